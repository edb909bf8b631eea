"""Names that no file can have, and places where nothing can be: one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = "x" * 300


@pytest.mark.parametrize("words", [(f"{LONG}.pt", "img.jpg"), ("rga.pt", LONG), ("rga.pt", "[" * 3000)])
def test_names_too_long(refused, words):
    assert "File name too long. Check the name." in refused("masks", *words)


@pytest.mark.parametrize("out", ["circle", "circle/x", "circle/x.png", "two/a/b"])
def test_a_place_behind_links_in_a_circle(rga, place, out):
    Path("circle").symlink_to("circle")
    Path("two").symlink_to("two/x")
    for command in ("masks", "evaluate"):
        line = rga(command, "rga.pt", *(["img.jpg"] if command == "masks" else []), "-o", out, code=1).stderr
        assert line.startswith("Error: Cannot write")
        assert line.count("\n") == 1


@pytest.mark.parametrize("out", [LONG, f"{LONG}.png", "a/" * 1500 + "x", " "])
def test_places_that_cannot_be(refused, out):
    assert " with -o" in refused("masks", "rga.pt", "img.jpg", "-o", out)


def test_a_picture_called_as_an_option(rga):
    Path("--help.jpg").write_bytes(Path("img.jpg").read_bytes())
    rga("masks", "-o", "out", "--dpi", "50", "--format", "png", "--", "rga.pt", "--help.jpg")
    assert Path("out/overlays/--help-rga-conv5-spatial.png").is_file()
