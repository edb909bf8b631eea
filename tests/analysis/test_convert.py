"""What a checkpoint carries along when it is converted again."""

from __future__ import annotations

import pytest
import torch

import rgaviz
from rgaviz.checkpoint import load_checkpoint

GIVEN = {
    "image_size": ((32, 32), "images of 32x32"),
    "mean": ("0.5,0.5,0.5", "mean 0.485"),
    "std": ((0.2, 0.2, 0.2), "deviation 0.229"),
    "classes": ("names.txt", "numbers for names"),
}


@pytest.fixture(autouse=True)
def _bare(tmp_path, monkeypatch):
    """Bare weights of three classes, and their names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("cat\ndog\nhorse\n")
    torch.save(rgaviz.create_model("resnet20", num_classes=3).state_dict(), "bare.pth")


@pytest.mark.parametrize("given", [(), *((option,) for option in GIVEN), tuple(GIVEN)])
def test_what_is_given_later_is_no_longer_assumed(given):
    (note,) = rgaviz.convert("bare.pth", "first.pt", arch="resnet20").notes
    assert all(said in note for _, said in GIVEN.values())
    converted = rgaviz.convert("first.pt", "second.pt", **{each: GIVEN[each][0] for each in given})
    notes = load_checkpoint("second.pt").notes
    assert notes == converted.notes
    assert len(notes) == (0 if given == tuple(GIVEN) else 1)
    for option, (_, said) in GIVEN.items():
        assert any(said in each for each in notes) == (option not in given)
    for each in notes:
        assert each.startswith("assumed, for the file does not say: ")
        assert each.endswith(").")


def test_a_note_about_something_else_stays():
    rgaviz.convert("bare.pth", "first.pt", arch="resnet20", num_classes=4)
    head, assumed = rgaviz.convert("first.pt", "second.pt", mean="0.5,0.5,0.5").notes
    assert head.startswith("its head does not fit")
    assert "(--mean)" not in assumed
    assert "(--std)" in assumed
