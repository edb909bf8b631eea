"""Seeded odd checkpoints: a network or one printable line, in bounded time and memory, and nothing else written.

``pytest -m slow tests/checkpoint/test_fuzz.py`` takes many more of them.
"""

from __future__ import annotations

import copy
import random
import resource
import time
from collections import OrderedDict

import pytest
import torch
from PIL import Image
from small_checkpoint import network, save
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
TEXTS = [
    "",
    "a\nb",
    "\x1b[31mred",
    "[red]x[/]",
    "x" * 5000,
    "\ud800",
    "caf\udce9",
    "\0",
    "$x^",
    "torchvision:vgg16",
]
NUMBERS = [True, -1, 0, 2**40, 2**63, 2**70, 10**600, float("nan"), float("inf"), -0.5, 1j]
TORCH = [torch.float32, torch.Size([1]), torch.device("meta"), torch.tensor(3), torch.ones(2)]
WEIGHTS = [
    torch.zeros(()),
    torch.zeros(0),
    torch.zeros(3, 32, dtype=torch.complex64),
    torch.zeros(3, 32, dtype=torch.bool),
    torch.zeros(3, 32, dtype=torch.uint8),
    torch.zeros(3, 32, dtype=torch.float64),
    torch.zeros(3, 32, dtype=torch.bfloat16),
    torch.zeros(3, 32).to_sparse(),
    torch.zeros(3, 32, device="meta"),
    torch.zeros(1).expand(2**50),
    torch.full((3, 32), float("nan")),
    torch.nn.Parameter(torch.zeros(3, 32)),
    torch.zeros(3, 32, requires_grad=True),
    torch.arange(96).reshape(3, 32),
]


def overwritten() -> torch.Tensor:
    """A tensor with attributes where its methods are looked for."""
    value = torch.zeros(3, 32)
    for name in ("is_floating_point", "float", "nbytes", "shape_text", "untyped_storage", "detach"):
        setattr(value, name, "mine")
    return value


def odd(draw: random.Random, depth: int = 0) -> object:
    """Anything that a checkpoint can hold."""
    kinds = [TEXTS, NUMBERS, TORCH, [None, b"bytes", {1}, WEIGHTS[0]]]
    if depth > 2 or draw.random() < 0.7:
        return draw.choice(draw.choice(kinds))
    some = [odd(draw, depth + 1) for _ in range(draw.choice([0, 1, 2, 3, 10]))]
    if draw.random() < 0.5:
        return draw.choice([list, tuple])(some)
    keys = [draw.choice([*TEXTS, 1, None, "epoch", "test_error"]) for _ in some]
    return draw.choice([dict, OrderedDict])(zip(keys, some, strict=True))


def places(value: object, at: tuple = ()) -> list[tuple]:
    """The way to every value of a document, but of weights only to three."""
    if at == ("model",):
        names = list(value)
        return [at, *((*at, name) for name in (names[0], names[1], "fc.weight", "bn1.num_batches_tracked"))]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inside for place in places(each, (*at, key)))]


def changed(document: dict, draw: random.Random) -> object:
    """The document with one to three odd values, or without something."""
    thing = copy.deepcopy(document)
    for place in draw.sample(places(document)[1:], draw.choice([1, 1, 1, 2, 3])):
        inside = thing
        try:
            for key in place[:-1]:
                inside = inside[key]
            if draw.random() < 0.15:
                del inside[place[-1]]
            elif place[0] == "model" and len(place) > 1:
                inside[place[-1]] = draw.choice([*WEIGHTS, overwritten(), odd(draw)])
            else:
                inside[place[-1]] = odd(draw)
        except (TypeError, KeyError, IndexError):  # an earlier change took that place away
            continue
    return thing


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


@pytest.mark.parametrize("part", range(4))
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
