"""Where the figures and numbers of the explaining commands go, and whose files stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import files_below, save_picture

from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")


def test_a_named_figure_has_its_results_beside_it(rga):
    result = rga("compare", "baseline.pt", "rga.pt", "img.jpg", "-o", "figs/fig.v2.png", "--dpi", "50")
    assert sorted(files_below(Path("figs"))) == [
        "fig.v2.png",
        "fig.v2/manifest.json",
        "fig.v2/maps.npz",
        "fig.v2/pictures/0.png",
    ]
    assert result.stdout.endswith("(draw again with: rgaviz redraw figs/fig.v2 -o figs/fig.v2.png)\n")


def test_the_suffix_and_the_formats_add_up(rga):
    rga(
        "compare",
        "baseline.pt",
        "rga.pt",
        "img.jpg",
        "-o",
        "fig.svg",
        "--format",
        "pdf,svg, pdf",
        "--dpi",
        "50",
    )
    assert sorted(path.name for path in Path().glob("fig.*")) == ["fig.pdf", "fig.svg"]


def test_a_rerun_is_identical_and_replaces_ours_only(rga):
    rga("masks", "rga.pt", "pics", "-o", "out", "--dpi", "50")
    first = files_below(Path("out"))
    for name in ("mine.txt", "pictures/mine.png", "overlays/mine.png"):
        Path("out", name).write_text("mine")
    rga("masks", "rga.pt", "pics", "-o", "out", "--dpi", "50")
    mine = {name: b"mine" for name in ("mine.txt", "pictures/mine.png", "overlays/mine.png")}
    assert files_below(Path("out")) == {**first, **mine}
    rga("masks", "rga.pt", "img.jpg", "-o", "out", "--dpi", "50", "--format", "png")
    ours = {"manifest.json", "maps.npz", "masks.png", "overlays/img-rga-conv5-spatial.png", "pictures/0.png"}
    assert set(files_below(Path("out"))) == {*mine, *ours}


def test_another_command_replaces_it_too(rga):
    rga("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    rga("histogram", "rga.pt", "img.jpg", "-o", "out", *FAST)
    left = ["histogram.csv", "histogram.png", "manifest.json", "maps.npz", "pictures/0.png"]
    assert sorted(files_below(Path("out"))) == left


def test_earlier_output_is_no_input(rga):
    for _ in range(2):
        rga("cam", "rga.pt", ".", *FAST)
        paths = [entry.path for entry in read_results("rgaviz-cam").manifest.pictures]
        assert paths == ["img.jpg", "pics/other/c.png", "pics/ring/a.png", "pics/square/b.png"]


OVERLAY = "overlays/img-rga-conv5-spatial.png"


@pytest.mark.parametrize("name", ["masks.png", "masks-2.png", "manifest.json", "maps.npz", OVERLAY])
def test_a_file_of_someone_else_is_not_replaced(refused, name):
    Path("out", name).parent.mkdir(parents=True)
    Path("out", name).write_text("mine")
    line = refused("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    assert line == f"out/{name} is there and was not written by rgaviz: choose another folder with -o."


def test_after_an_interrupted_drawing_a_rerun_works(rga, monkeypatch):
    """What was drawn so far is ours."""
    from rgaviz.figures import draw

    for number in range(7):
        save_picture(Path(f"many/{number}.png"), (8, 8), number)
    left = [draw.save_figure]

    def one_page(*arguments):
        if not left:
            raise KeyboardInterrupt
        return left.pop()(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(draw, "save_figure", one_page)
        rga("masks", "rga.pt", "many", *FAST, code=130)
    assert [path.name for path in Path("rgaviz-masks").glob("*.png")] == ["masks-1.png"]
    rga("masks", "rga.pt", "many", *FAST)
    rga("masks", "rga.pt", "img.jpg", *FAST)
    assert [path.name for path in Path("rgaviz-masks").glob("*.png")] == ["masks.png"]
