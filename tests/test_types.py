"""What type checkers see of the package, in a script as a user writes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rgaviz

SCRIPT = """
import numpy as np
from PIL import Image
from torch import nn

import rgaviz

net, ours = nn.Sequential(nn.Conv2d(3, 8, 3)), nn.Sequential(nn.Conv2d(3, 8, 3))
answer = rgaviz.compare(
    {"ResNet-18": net, "Ours": ours},
    ["a.png", Image.new("RGB", (8, 8)), np.zeros((8, 8, 3), np.uint8)],
    layer="0",
    mean=[0.5, 0.5, 0.5],
    std=(0.25, 0.25, 0.25),
    gates={"att4.sigmoid": "spatial"},
    methods="gradcam",
    figure={"dpi": 100},
)
answer.save("figure.pdf", dpi=150)
rgaviz.show_masks("rga.pt", "a.png").save("masks.png")
rgaviz.show_cam(net, ["a.png"], layer=net[0]).save("cam.png")
checkpoint = rgaviz.load_checkpoint("rga.pt")
rgaviz.compare([checkpoint, "other.pt"], "pictures")
masks: dict[str, np.ndarray] = rgaviz.masks(checkpoint, ["a.png"], layer="conv5")
names: list[str] = checkpoint.classes
text: str = rgaviz.tabulate(["a.pt"], columns=["error"])
"""
WRONG = {  # a line, and what is said of it
    'rgaviz.compare({"a": 3})': "int",
    "rgaviz.compare([net], layer=net[0])": "layer",
    "rgaviz.load_checkpoint(7)": "load_checkpoint",
    "rgaviz.show_mask(net)": "show_mask",
    "rgaviz.compare(net, dpi=3)": "dpi",
    "number: int = rgaviz.tabulate(['a.pt'])": "str",
}


def command(checker, script):
    """How a checker is started, or the test skipped: neither is needed to use the package."""
    if checker == "mypy":
        pytest.importorskip("mypy")
        return [sys.executable, "-m", "mypy", script]
    found = Path(sys.executable).with_name("pyright")
    if not found.exists():
        pytest.skip("pyright is not installed")
    return [str(found), "--pythonpath", sys.executable, script]


@pytest.mark.slow  # most of a minute
@pytest.mark.parametrize("checker", ["pyright", "mypy"])
def test_a_users_script_has_types(checker, tmp_path):
    (tmp_path / "right.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text("\n".join([SCRIPT, *WRONG]))
    where = {"PYTHONPATH": str(Path(rgaviz.__file__).parents[1]), "MYPYPATH": ""}
    said = {}
    for name in ("right.py", "wrong.py"):
        words = command(checker, name)
        done = subprocess.run(
            words, cwd=tmp_path, env={**os.environ, **where}, capture_output=True, text=True, check=False
        )
        said[name] = done.stdout
        assert done.returncode == (name == "wrong.py"), done.stdout + done.stderr
    first = len(SCRIPT.splitlines()) + 2
    for number, (line, word) in enumerate(WRONG.items(), start=first):
        told = [each for each in said["wrong.py"].splitlines() if f"wrong.py:{number}:" in each]
        assert any("error" in each and word in each for each in told), (line, said["wrong.py"])


def test_names_are_the_same_for_checkers_and_when_used():
    """Those imported for checkers alone, those found when used, and those that are told."""
    source = Path(rgaviz.__file__).read_text()
    block = source.split("if TYPE_CHECKING:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    seen = {words[5]: words[1] for words in (line.split() for line in block)}
    assert seen == rgaviz.PUBLIC
    assert sorted(["__version__", *seen]) == rgaviz.__all__
    assert (Path(rgaviz.__file__).parent / "py.typed").exists()
