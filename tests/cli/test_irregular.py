"""Pipes, devices and files of gigabytes where a command expects a file, and what the system refuses: one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from rgaviz import create_model


def huge(path):
    with path.open("wb") as file:
        file.truncate(2**38)


IRREGULAR = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "circle": lambda path: path.symlink_to(path.name),
    "huge": huge,
    "missing": lambda path: None,
}
TRAIN = [
    *("train", "shapes", "--attention", "rga-sc"),
    *("--set", "data.train_size=16", "--set", "data.test_size=10"),
]
COMMANDS = {
    "odd.txt": ["convert", "bare.pt", "--arch", "resnet20", "-o", "own.pt", "--classes", "odd.txt"],
    "odd.pt": ["convert", "odd.pt", "-o", "own.pt"],
    "odd.safetensors": ["masks", "odd.safetensors", "img.jpg"],
    "odd.png": ["masks", "rga.pt", "odd.png"],
    "odd/manifest.json": ["redraw", "odd"],
    "odd/rga.resume.pt": [*TRAIN, "--resume", "-o", "odd"],
    "weights.pt": [*TRAIN, "--set", "model.pretrained=weights.pt"],
}


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_file(rga, place, name, kind):
    if (name, kind) in {("odd/rga.resume.pt", "circle"), ("odd/rga.resume.pt", "missing")}:
        pytest.skip("there is nothing to go on from, so it begins")
    torch.save(create_model("resnet20", num_classes=3).state_dict(), "bare.pt")
    Path(name).parent.mkdir(exist_ok=True)
    IRREGULAR[kind](Path(name))
    told = rga(*COMMANDS[name], code=1).stderr.splitlines()
    errors = [line for line in told if line.startswith("Error: ")]
    assert len(errors) == 1
    assert all(line.isprintable() for line in told)
    assert not Path("own.pt").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--target", "9" * 5000), ("--label", "a\nb"), ("--label", "x" * 200_000)]
)
def test_values_beyond_all_bounds(rga, place, option, value):
    told = rga("cam", "rga.pt", "img.jpg", option, value, code=1).stderr
    assert len([line for line in told.splitlines() if line.startswith("Error: ")]) == 1
    assert told[:-1].isprintable()


def test_what_the_system_refuses_is_one_line(rga, place, monkeypatch):
    """Wherever that is: a folder that may not be read, a disk that fails."""

    def fail(*_):
        raise PermissionError(13, "Permission denied", "pics/\x1b[31m")

    monkeypatch.setattr("rgaviz.data.find._expand", fail)
    told = rga("masks", "rga.pt", "pics", "-o", "out", code=1).stderr
    assert told == "Error: pics/\\x1b[31m: Permission denied. Check its name and permissions.\n"
    monkeypatch.setenv("RGAVIZ_DEBUG", "1")
    with pytest.raises(PermissionError):
        rga("masks", "rga.pt", "pics", "-o", "out")


def test_an_error_of_the_system_about_no_file_keeps_its_traceback(rga, place, monkeypatch):
    def fail(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("rgaviz.data.find._expand", fail)
    with pytest.raises(OSError, match="open files"):
        rga("masks", "rga.pt", "pics", "-o", "out")
