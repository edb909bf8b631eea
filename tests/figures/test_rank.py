"""The figure of rankings: eleven narrow panels in a row, networks of one query together."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.figures.layout import USUAL, Layout, columns_per_line
from rgaviz.figures.rank import rank_pages
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, Panel, Picture
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter


def make(folder, queries=1, networks=2, top=10, lines=4):
    """Rankings of one picture, a person's."""
    head = {
        "command": "rank",
        "titles": ["query", *map(str, range(1, top + 1)), ""],
        "checkpoints": [{"id": f"net{number}"} for number in range(networks)],
    }
    with ResultsWriter(folder, head) as writer:
        picture = Picture(id="0", path="0002_c1.jpg", size=[128, 64])
        writer.picture(picture, np.full((128, 64, 3), 200, np.uint8), {})
        told = [Line(text=f"line {number}") for number in range(lines)]
        for _ in range(queries * networks):
            found = [
                Panel(kind="picture", picture="0", frame="right" if place else "wrong", lines=told[:3])
                for place in range(top)
            ]
            end = Panel(kind="text", lines=[Line(text="AP 12.3%"), Line(text="first at 4")])
            writer.row([Panel(kind="picture", picture="0", lines=told), *found, end])
    return read_results(folder)


def axes_of(page):
    return [ax.get_position() for ax in page.figure.axes]


@pytest.mark.parametrize(
    ("venue", "width", "lines"),
    [("cvpr", "text", 1), ("neurips", "text", 1), ("eccv", "text", 1), ("cvpr", "column", 2)],
)
def test_a_query_and_ten_pictures_stand_in_a_row(tmp_path, venue, width, lines):
    options = FigureOptions(venue=venue, width=width, dpi=100)
    (page,) = rank_pages(make(tmp_path / "r", networks=1), options)
    *boxes, end = axes_of(page)
    assert len(boxes) == 11
    assert len({round(box.y1, 3) for box in boxes}) == lines
    assert end.x0 > boxes[-1].x1
    assert (end.x1, end.y0, end.y1) == pytest.approx((1, boxes[-1].y0, boxes[-1].y1), abs=0.02)
    wide, tall = page.figure.get_size_inches()
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= 1
        ratio = (box.height * tall) / (box.width * wide)
        assert ratio == pytest.approx(2, abs=0.1)
    first, second = boxes[:2]
    assert (second.x0 - first.x1) * wide < 0.08  # no wasted space


def test_networks_of_a_query_are_on_one_page(tmp_path):
    """Five rows fit on a page, and a query has three."""
    results = make(tmp_path / "r", queries=3, networks=3)
    pages = list(rank_pages(results, FigureOptions(dpi=60, pages=0)))
    counts = [len(page.figure.axes) // 12 for page in pages]
    assert counts == [3, 3, 3]
    assert [page.suffix for page in pages] == ["-1", "-2", "-3"]


def test_rows_that_no_page_has_room_for_are_parted(tmp_path):
    results = make(tmp_path / "r", queries=1, networks=8)
    pages = list(rank_pages(results, FigureOptions(dpi=60, pages=0)))
    assert sum(len(page.figure.axes) for page in pages) == 8 * 12
    assert len(pages) == 2


def test_few_pictures_are_not_blown_up(tmp_path):
    (page,) = rank_pages(make(tmp_path / "r", networks=1, top=1), FigureOptions(dpi=100))
    wide, _ = page.figure.get_size_inches()
    assert all(box.width * wide <= 0.81 for box in axes_of(page))


def test_what_came_of_it_stands_within_the_height_of_the_pictures(tmp_path):
    (page,) = rank_pages(make(tmp_path / "r", networks=1), FigureOptions(dpi=100))
    page.figure.draw_without_rendering()
    end = page.figure.axes[-1]
    box = end.get_window_extent()
    told = [text for text in end.texts if text.get_text()]
    assert [text.get_text() for text in told] == ["AP 12.3%", "first at 4"]
    for text in told:
        found = text.get_window_extent()
        assert box.x0 - 1 <= found.x0 <= found.x1 <= box.x1 + 1
        assert box.y0 <= found.y0 <= found.y1 <= box.y1
    middle = sum(text.get_window_extent().y0 + text.get_window_extent().y1 for text in told) / 4
    assert middle == pytest.approx((box.y0 + box.y1) / 2, abs=5)


def test_a_text_that_is_taller_than_the_pictures_has_its_room(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "rank", "titles": ["query", ""]}) as writer:
        writer.picture(Picture(id="0", path="0.jpg", size=[10, 100]), np.zeros((10, 100, 3), np.uint8), {})
        end = Panel(kind="text", lines=[Line(text=f"line {number}") for number in range(20)])
        writer.row([Panel(kind="picture", picture="0"), end])
    (page,) = rank_pages(read_results(tmp_path / "r"), FigureOptions(dpi=100))
    page.figure.draw_without_rendering()
    for text in page.figure.axes[-1].texts:
        assert (
            page.figure.bbox.y0
            <= text.get_window_extent().y0
            <= text.get_window_extent().y1
            <= page.figure.bbox.y1
        )


def test_other_figures_are_laid_out_as_before(tmp_path):
    """11 columns stay whole down to 0.55 inches each, then break into lines of panels of 0.85 inches."""
    assert columns_per_line(11, 6.875) == 11
    assert columns_per_line(11, 6.6) == 6
    assert columns_per_line(3, 3.25) == 3
    results = make(tmp_path / "r", networks=1)
    layout = Layout(Scales(results, FigureOptions()), FigureOptions())
    assert layout.arrangement == USUAL
    assert layout.fit(results.manifest.rows[0][0])[1] == pytest.approx(1.6 * layout.panel, abs=0.01)
