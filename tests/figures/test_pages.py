"""The comparison figure read back: pages, and rows that break into lines."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from compared import (
    COLUMNS,
    FAST,
    SAID,
    A,
    bars,
    draw,
    lines,
    make,
    save,
)
from matplotlib.axis import Tick
from matplotlib.figure import Figure
from pictures import files_below

from rgaviz.analysis.redraw import redraw
from rgaviz.errors import RgavizError
from rgaviz.figures import sheet
from rgaviz.figures.grid import draw_grid
from rgaviz.figures.layout import MEASURED, RIGHT, Layout
from rgaviz.figures.scales import Scales
from rgaviz.figures.sheet import refuse_long
from rgaviz.figures.style import FigureOptions, Page, style


def test_pages(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:4], [(10, 60)] * 8)
    pages = list(draw_grid(results, FAST))
    assert [(page.suffix, page.of) for page in pages] == [("-1", 2), ("-2", 2)]
    assert [sum(bool(ax.images) for ax in page.figure.axes) for page in pages] == [6 * 4, 2 * 4]
    assert all(bars(page.figure) == bars(pages[0].figure) for page in pages)  # one scale for the whole
    tall = list(draw_grid(make(tmp_path / "t", COLUMNS[:4], [(60, 20)] * 5), FAST))
    assert len(tall) == 3
    assert all(page.figure.get_figheight() <= 8.52 for page in tall)


def test_pages_are_drawn_one_at_a_time(tmp_path, monkeypatch):
    results = make(tmp_path / "r", COLUMNS[:2], [(10, 60)] * 13)
    read = []
    picture = type(results).picture
    monkeypatch.setattr(type(results), "picture", lambda self, name: read.append(name) or picture(self, name))
    pages = draw_grid(results, FAST)
    next(pages)
    assert read == [str(i) for i in range(6)]


def test_saved_files_repeat_byte_for_byte(tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"), dpi=60)
    results = make(tmp_path / "r")
    paths = save(results, tmp_path / "figs/one", options).paths
    assert [path.name for path in paths] == ["one.pdf", "one.svg", "one.png"]
    again = save(results, tmp_path / "figs/two", options).paths
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    assert ">input</text>" in paths[1].read_text()


def test_several_pages_are_numbered(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:2], [(20, 30)] * 7)
    drawn = save(results, tmp_path / "fig", FigureOptions(formats=("png",), dpi=50))
    assert [path.name for path in drawn.paths] == ["fig-1.png", "fig-2.png"]
    assert drawn.left_out == 0


def test_a_long_figure_ends_after_some_pages_on_the_scale_of_all(tmp_path):
    results = make(tmp_path / "r", COLUMNS[:2], [(20, 30)] * 20)  # five pages
    options = FigureOptions(formats=("png",), dpi=50, pages=2)
    drawn = save(results, tmp_path / "fig", options)
    assert [path.name for path in drawn.paths] == ["fig-1.png", "fig-2.png"]
    assert drawn.left_out == 3
    whole = save(results, tmp_path / "all", replace(options, pages=0))
    assert (len(whole.paths), whole.left_out) == (5, 0)
    assert [path.read_bytes() for path in whole.paths[:2]] == [path.read_bytes() for path in drawn.paths]


@pytest.mark.parametrize(
    ("count", "width", "per_line"), [(5, "column", 5), (11, "text", 11), (7, "column", 3), (17, "text", 6)]
)
def test_a_row_with_too_many_columns_breaks_into_lines(tmp_path, count, width, per_line):
    columns = [COLUMNS[0], *({**A, "title": f"map {i}"} for i in range(1, count))]
    options = FigureOptions(dpi=100, width=width)
    figure = draw(make(tmp_path / "r", columns, lines={count - 1: SAID}), options)
    panels = [ax for ax in figure.axes if ax.images]
    titles = ["".join(reversed([t.get_text() for t in ax.texts if t.xy[1] == 1])) for ax in panels]
    assert titles == ["input", *(f"map {i}" for i in range(1, count))]
    assert lines(panels[-1]) == [("cat 93% ✓", RIGHT)]
    tops = [round(ax.get_position().y1, 3) for ax in panels]
    assert tops.count(max(tops)) == per_line
    assert len(set(tops)) == -(-count // per_line)
    with matplotlib.rc_context(style(options)):
        boxes = [t.get_window_extent() for ax in panels for t in ax.texts]
        boxes += [ax.get_window_extent() for ax in figure.axes]
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            along = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert across <= 1 or along <= 1.5
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.get_figwidth() * 100 + 1


def test_the_lines_of_a_picture_stay_on_one_page(tmp_path):
    columns = [COLUMNS[0], *({**COLUMNS[1], "title": f"column {number}"} for number in range(15))]
    results = make(tmp_path / "r", columns, [(20, 30)] * 5)
    with matplotlib.rc_context(style(FAST)):
        layout = Layout(Scales(results, FAST), FAST)
        pages, count = layout.pages()
    assert layout.broken
    assert len(pages) == count > 1
    owners = [{line.panels[0].picture for line in page} for page in pages]
    assert sum(len(each) for each in owners) == 5  # none is on two pages
    assert [panel for page in pages for line in page for panel in line.panels] == layout.scales.panels


def test_of_a_great_many_rows_only_some_are_laid_out(tmp_path, monkeypatch):
    """How many there are is estimated from those: exact here, where all rows are alike."""
    results = make(tmp_path / "r", COLUMNS[:2], [(20, 30)] * 340)
    with matplotlib.rc_context(style(FAST)):
        layout = Layout(Scales(results, FAST), FAST)
        everything, count = layout.pages()
        asked = []
        monkeypatch.setattr(
            layout,
            "line",
            lambda panels, first, line=layout.line: asked.append(panels) or line(panels, first),
        )
        few, estimated = layout.pages(2)
    assert (count, few) == (len(everything), everything[:2])
    assert (len(asked), estimated) == (MEASURED, count)


def test_the_limit_of_a_scale_is_found_once(tmp_path, monkeypatch):
    """Not for every panel again, among all panels."""
    results = make(tmp_path / "r", COLUMNS, [(8, 8)] * 20)
    scales = Scales(results, FAST)
    passes = []

    class Spans(dict):
        def items(self):
            passes.append(len(self))
            return super().items()

    monkeypatch.setattr(scales, "spans", Spans(scales.spans))
    with matplotlib.rc_context(style(FAST)):
        Layout(scales, FAST).pages()
    assert len(passes) <= 2


PAGES = """
import os, sys
from pathlib import Path
from rgaviz.analysis.redraw import redraw
import rgaviz.figures.draw
folder, *numbers = sys.argv[1:]
for pages in numbers:
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    redraw(folder, folder + "-drawn", figure={"formats": ["png"], "dpi": 300, "pages": int(pages)})
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024, flush=True)
    os._exit(0)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not tell the peak")
@pytest.mark.slow
def test_a_page_is_gone_before_the_next_is_drawn(tmp_path):
    make(tmp_path / "r", COLUMNS[:3], [(60, 60)] * 20)
    words = [sys.executable, "-c", PAGES, str(tmp_path / "r"), "1", "3"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    one, three = map(int, told.split())
    assert three < one + 16 * 2**20  # another page would be 40 MiB


def test_a_manifest_alone_does_not_ask_for_more_than_is_soon_drawn(tmp_path, monkeypatch):
    page = Figure(figsize=(6.88, 8.5))
    for dpi, of, pages in ((300, 10, 10), (600, 1, 10), (600, 60, 6), (300, 25, 0)):
        refuse_long(Page(page, of=of), FigureOptions(dpi=dpi, pages=pages))
    for dpi, of, pages, words in (
        (600, 60, 10, "10 pages of 21 million.*--pages 6 or"),
        (50, 99, 0, "99 pages"),
    ):
        with pytest.raises(RgavizError, match=rf"{words}.*or --pages {pages} to draw all of it"):
            refuse_long(Page(page, of=of), FigureOptions(dpi=dpi, pages=pages))

    folder = make(tmp_path / "r", COLUMNS[:2], [(10, 60)] * 7).folder
    monkeypatch.setattr(sheet, "MOST_RECORDED", 2**22)  # one page
    before = files_below(folder)
    options = {"formats": ["png"]}
    with pytest.raises(RgavizError, match="choose --pages 1 or less"):
        redraw(folder, figure=options)
    assert files_below(folder) == before
    assert len(redraw(folder, figure={**options, "dpi": 50}).pages) == 2


def test_panels_make_no_ticks(tmp_path, monkeypatch):
    """Half the time of a page would go into them."""
    made = []
    start = Tick.__init__
    monkeypatch.setattr(
        Tick, "__init__", lambda self, *args, **kw: made.append(self) or start(self, *args, **kw)
    )
    counts = []
    for count in (1, 5):
        list(draw_grid(make(tmp_path / str(count), COLUMNS[:2], [(10, 60)] * count), FAST))
        counts.append(len(made))
        made.clear()
    assert counts[0] == counts[1]  # those of colour bars
