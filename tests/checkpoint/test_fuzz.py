"""Seeded odd checkpoints: a network or one printable line, in bounded time and memory, and nothing else written.

``pytest -m slow tests/checkpoint/test_fuzz.py`` takes many more of them.
"""

from __future__ import annotations

import random
import resource
import time

import pytest
import torch
from parametrised import mostly
from PIL import Image
from small_checkpoint import network, save
from strange_documents import changed
from typer.testing import CliRunner

from rgaviz.checkpoint import load_checkpoint
from rgaviz.cli import app
from rgaviz.errors import LONGEST, RgavizError

SECONDS, KIBIBYTES = 20, 2**20  # for a file
TRAINING = {
    "dataset": "shapes",
    "command": "rgaviz train shapes",
    "recipe": {"data": {"test_size": 20, "held_out": 0.2}, "train": {"epochs": 1, "lr": 0.1}},
}
HISTORY = [{"epoch": 1, "test_error": 50.0, "train_loss": 2.0}]


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The file with flipped, missing or repeated bytes."""
    found = bytearray(content)
    for _ in range(draw.choice([1, 3, 20])):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    cut = draw.randrange(len(found))
    return bytes(draw.choice([found, found, found[:cut], found[cut:], found + found]))


def command(name: str) -> list[str]:
    return {
        "table": ["table", "h.pt"],
        "evaluate": ["evaluate", "h.pt", "-o", "out/e.png", "--dpi", "20"],
        "cam": ["cam", "h.pt", "p.png", "-o", "out/c.png", "--dpi", "20"],
        "masks": ["masks", "h.pt", "p.png", "-o", "out/m.png", "--dpi", "20"],
        "compare": ["compare", "ok.pt", "h.pt", "p.png", "-o", "out/o.png", "--dpi", "20"],
        "histogram": ["histogram", "h.pt", "p.png", "-o", "out/h.png", "--dpi", "20"],
        "convert": ["convert", "h.pt", "-o", "out/h.pt"],
        "redraw": ["redraw", "out/c.png", "--dpi", "20"],
    }[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    Image.new("RGB", (14, 12), (200, 30, 60)).save("p.png")
    metrics = {"test_error": 50.0}
    save(tmp_path / "ok.pt", network(), metrics=metrics, training=TRAINING, history=HISTORY, notes=["a note"])
    return tmp_path


def expect_a_line(message, folder):
    """Printable, and short but for paths."""
    assert message.isprintable(), message
    assert len(message) <= LONGEST, message


def expect_bounded(act):
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = act()
    assert time.monotonic() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KIBIBYTES
    return found


def loaded(folder, seed):
    """Whether the odd file of this seed loads."""
    draw = random.Random(seed)
    document = torch.load("ok.pt", weights_only=True)
    try:
        if draw.random() < 0.2:
            (folder / "h.pt").write_bytes(damaged((folder / "ok.pt").read_bytes(), draw))
        else:
            old = draw.random() < 0.2
            torch.save(changed(document, draw), "h.pt", _use_new_zipfile_serialization=not old)
    except (NotImplementedError, AttributeError):  # such a file cannot be written
        return False
    try:
        expect_bounded(lambda: load_checkpoint(folder / "h.pt"))
    except RgavizError as error:
        expect_a_line(str(error), folder)
        return False
    return True


def use(folder, words):
    """The command goes through, or ends with a line, and writes where it was told to."""
    answer = expect_bounded(lambda: CliRunner().invoke(app, words))
    assert answer.exception is None or isinstance(answer.exception, SystemExit), repr(answer.exception)
    assert answer.exit_code in (0, 1)
    for line in answer.output.splitlines():
        assert line.isprintable(), (words, line)
        if line.startswith(("Error", "Note")):
            assert len(line) <= LONGEST, (words, line)
    assert {path.name for path in folder.iterdir()} == {"h.pt", "ok.pt", "p.png", "out"}


@pytest.mark.parametrize("part", mostly(range(4), 1, 2, 3))
def test_odd_files_are_loaded_or_refused(folder, part):
    for seed in range(20 * part, 20 * (part + 1)):
        loaded(folder, seed)


def test_what_loads_can_be_used(folder):
    names = iter(["table", "cam", "redraw", "evaluate", "masks", "convert"])
    for _ in filter(lambda seed: loaded(folder, seed), range(200, 300)):
        if (name := next(names, None)) is None:
            break
        use(folder, command(name))
    assert not list(names)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_many_more(folder, seed):
    if loaded(folder, seed):
        for name in ("table", "evaluate", "cam", "masks", "compare", "histogram", "convert", "redraw"):
            use(folder, command(name))
