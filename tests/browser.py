"""Headless Chromium over a pipe: pages are opened, moved and looked at, and what they ask for is noted."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 120  # seconds


class Browser:
    """One page of a browser.

    Attributes:
        errors: what its console was told as an error, and exceptions.
        requests: addresses that it asked for.
    """

    def __init__(self, write, read):
        self.write, self.read, self.session = write, read, None
        self.numbers, self.rest = itertools.count(1), b""
        self.errors, self.requests = [], []

    def call(self, method, **params):
        """Ask the browser; what happens meanwhile is noted."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = self._next()
            if found.get("id") == number:
                assert "error" not in found, found
                return found["result"]
            self._note(found)
        raise TimeoutError(method)

    def _next(self):
        while b"\0" not in self.rest:
            more = os.read(self.read, 2**20)
            assert more, "the browser has gone"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        params = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(str(params["args"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])

    def open(self, address):
        """Load a page and wait until it is there."""
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, code):
        """What an expression of JavaScript gives; of a promise what it promises."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, code):
        """Wait until an expression is true."""
        until = time.monotonic() + PATIENCE
        while not self.run(code):
            assert time.monotonic() < until, code
            time.sleep(0.05)

    def drag(self, selector, share):
        """Move a slider with the mouse to a share of its length."""
        box = self.run(
            f"(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [b.left, b.top + b.height / 2, b.width]; })()"
        )
        place = {"x": box[0] + 8 + share * (box[2] - 16), "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **place)

    def choose(self, name, value):
        """Set a field of the form as a user does."""
        self.run(
            f"(() => {{ const f = document.forms[0].elements.namedItem({name!r});"
            f" if (f.type === 'checkbox') f.checked = {json.dumps(value)}; else f.value = {json.dumps(value)};"
            " f.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )

    def picture(self, dark=False, size=(1200, 900)):
        """What the window shows as a PNG."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def printed(self):
        """The page as a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])


@contextmanager
def browsing():
    """A fresh browser with one empty page, which ends with the block."""
    (commands, write), (read, answers) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory() as profile:
        words = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        words += [f"--user-data-dir={profile}", "--window-size=1200,900", "about:blank"]
        shell = f'exec "$@" 3<&{commands} 4>&{answers}'  # the browser reads 3 and writes 4
        started = subprocess.Popen(
            ["bash", "-c", shell, "bash", *words],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        try:
            browser = Browser(write, read)
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)[
                "sessionId"
            ]
            for domain in ("Page", "Runtime", "Log", "Network"):
                browser.call(f"{domain}.enable")
            yield browser
        finally:
            started.terminate()
            started.wait(timeout=60)
            os.close(write)
            os.close(read)
