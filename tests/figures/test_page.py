"""The page of rankings: what it shows, that nothing leaves it, and that strangers' words stay words."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.figures.draw import draw
from rgaviz.figures.overlay import overlay
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.manifest import Line, MapRef, Panel, Picture
from rgaviz.results.writer import ResultsWriter

FAST = FigureOptions(formats=("png",), dpi=50, cmap="viridis", alpha=0.4)
EVIL = "\"><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{ 7*7 }}"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 4, 3), np.uint8)
MAP = np.array([[0.0, 0.5], [1.0, 0.25]], np.float32)


def make(folder, evil=False):
    """Two queries by two networks: AP 80 and right, 20 and wrong, none and unknown."""
    name = EVIL if evil else "net"
    rows = [
        ("a", 80.0, "right", "7"),
        (name, 20.0, "wrong", "7"),
        ("a", None, None, EVIL if evil else "9"),
        (name, None, None, "9"),
    ]
    head = {
        "command": "rank",
        "command_line": EVIL if evil else "rgaviz rank a.pt",
        "titles": ["query", EVIL if evil else "1", "2", ""],
        "checkpoints": [{"id": "a"}, {"id": name}],
        "texts": {"hits": EVIL if evil else "people"},
    }
    ref = MapRef(checkpoint="a", name="gradcam", group="cam")
    with ResultsWriter(folder, head) as writer:
        path = EVIL.replace("/", "_") if evil else "0007_c1.jpg"
        writer.picture(Picture(id="0", path=path, size=[8, 4]), PIXELS, {"a/gradcam": MAP})
        for network, precision, frame, identity in rows:
            values = {"network": network, "query": path, "identity": identity, "ap": precision}
            lines = [Line(text=EVIL if evil else "id 7", role=frame or "plain")]
            query = Panel(kind="picture", picture="0", values=values, lines=lines)
            hit = Panel(kind="map", picture="0", map=ref, frame=frame, lines=lines)
            end = Panel(kind="text", lines=[Line(text=EVIL if evil else f"AP {precision}%")])
            writer.row([query, hit, Panel(kind="text"), end])
    return folder


@pytest.fixture
def page(tmp_path):
    draw(make(tmp_path / "r"), Output(tmp_path / "r", tmp_path / "r/rank"), FAST)
    return tmp_path / "r/rank.html"


def pictures(text):
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', text)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(each)))) for each in found]


def test_every_picture_is_there_with_its_map(page):
    text = page.read_text()
    shown = pictures(text)
    assert len(shown) == text.count("<img") == 8
    expected = overlay(PIXELS, MAP, "viridis", 0.0, 1.0, 0.4)
    for pixels, wanted in zip(shown, [PIXELS, expected] * 4, strict=True):
        assert pixels.shape == wanted.shape
        assert np.abs(pixels.astype(int) - wanted).mean() < 12  # JPEG of noise
    assert 'class="found right"' in text
    assert "id 7 ✓" in text
    assert "id 7 ✗" in text
    ends = re.findall(
        r'</figure>\s*<p class="end">\s*<span class="plain">([^<]*)</span>\s*</p>\s*</div>', text
    )
    assert ends == ["AP 80.0%", "AP 20.0%", "AP None%", "AP None%"]


def test_networks_have_the_names_that_the_user_gives(tmp_path):
    options = replace(FAST, names=("ResNet", "+ RGA"))
    draw(make(tmp_path / "r"), Output(tmp_path / "r", tmp_path / "r/rank"), options)
    text = (tmp_path / "r/rank.html").read_text()
    assert re.findall(r'data-network="(.*?)"', text) == ["ResNet", "+ RGA"] * 2
    assert re.findall(r"<option>(.*?)</option>", text)[:2] == ["ResNet", "+ RGA"]
    assert "Rankings by ResNet and + RGA" in text


def test_no_request_leaves_the_page(page):
    text = page.read_text()
    assert not re.search(r"https?://|//[a-z]|@import|url\(", text)
    assert set(re.findall(r'(?:src|href)="([^":]*)', text)) == {"data"}
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline" not in policy[1].partition("script-src")[2]


def test_words_of_strangers_stay_words(tmp_path):
    draw(make(tmp_path / "r", evil=True), Output(tmp_path / "r", tmp_path / "r/rank"), FAST)
    text = (tmp_path / "r/rank.html").read_text()
    assert "<img src=x" not in text
    assert text.count("<script>") == 1
    assert "{{ 7*7 }}" in text
    assert "&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;" in text


def test_a_page_of_someone_else_is_kept(tmp_path):
    folder = make(tmp_path / "r")
    (folder / "rank.html").write_text("mine")
    with pytest.raises(OutputError, match="was not written by rgaviz"):
        draw(folder, Output(folder, folder / "rank"), FAST)
    assert (folder / "rank.html").read_text() == "mine"


def dumped(page: Path, view: str = "") -> str:
    """The page as a browser has it when its script has run."""
    words = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    words += [f"--user-data-dir={page.parent / 'profile'}", f"{page.as_uri()}{view}"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=240).stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("", 4),
        ("#network=a", 2),
        ("#first=right", 1),
        ("#first=unknown&network=net", 1),
        ("#least=10", 2),
        ("#most=50", 1),
        ("#least=30&most=90&identity=7", 1),
        ("#identity=9", 2),
        ("#length=1&elements=2", 4),  # no field has such a name
    ],
)
def test_a_browser_filters(page, view, shown):
    found = dumped(page, view)
    rows = re.findall(r'<section class="row"[^>]*>', found)
    assert len(rows) == 4
    assert sum("hidden" not in row for row in rows) == shown


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_runs_no_script_of_strangers(tmp_path):
    draw(make(tmp_path / "r", evil=True), Output(tmp_path / "r", tmp_path / "r/rank"), FAST)
    found = dumped(tmp_path / "r/rank.html")
    assert "<title>owned" not in found
    assert len(re.findall(r'<section class="row"', found)) == 4
    assert "owned" in found  # as words
