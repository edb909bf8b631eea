"""The page of a report in a browser: sliders move, sorting sorts, nothing is asked for, and nothing goes wrong."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pytest
from browser import CHROMIUM, browsing
from PIL import Image
from reported import MAPS, write_gallery, write_located

from rgaviz.figures.overlay import colour, resize_map
from rgaviz.figures.report import ReportContent, ResultsPart, save_report
from rgaviz.figures.sorting import table_keys
from rgaviz.results.reader import read_results

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
CANVAS = (
    "document.querySelectorAll('.row')[{row}].querySelectorAll('.view')[{view}].querySelector('canvas.map')"
)
PIXELS = (  # of a copy, for a browser warns of canvases that are read again and again
    "(() => {{ const copy = new OffscreenCanvas(168, 224).getContext('2d', {{willReadFrequently: true}});"
    " copy.drawImage({canvas}, 0, 0); return [...copy.getImageData(0, 0, 168, 224).data]; }})()"
)
NAMES = (
    "[...document.querySelectorAll('.row:not([hidden]) h3')].map((each) => each.textContent.split(' ')[0])"
)


@pytest.fixture(scope="module")
def browser():
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return save(folder, [write_gallery(folder / "g"), write_located(folder / "l")])


def save(folder, results):
    parts = [ResultsPart(each.name, read_results(each), []) for each in results]
    keys = table_keys((part.title, part.results) for part in parts)
    save_report(ReportContent("A title", [], [], [], parts, keys), folder / "page.html", 500)
    return (folder / "page.html").as_uri()


@pytest.fixture
def page(browser, address):
    """The page, opened anew; whatever happens, nothing may go wrong and nothing may be asked for."""
    browser.errors.clear()
    browser.requests.clear()
    browser.open("about:blank#")
    browser.open(address)
    browser.until("built.size === rows.length")
    yield browser
    assert browser.errors == []
    assert {each for each in browser.requests if not each.startswith(("data:", "about:"))} <= {address}


def pixels(page, row, view):
    found = page.run(PIXELS.format(canvas=CANVAS.format(row=row, view=view)))
    return np.array(found, np.uint8).reshape(224, 168, 4)[..., :3]


def wanted(values, cmap, low, high):
    with (
        np.errstate(invalid="ignore"),
        pytest.warns(RuntimeWarning) if np.isnan(values).any() else np.errstate(),
    ):
        return colour(resize_map(np.array(values, np.float32), (224, 168)), cmap, low, high)


def expect(found, expected):
    """The same colours, but for values at the edge between two."""
    apart = np.abs(found.astype(int) - expected).max(2)
    assert (apart > 0).mean() < 0.1
    assert apart.max() <= 12


@pytest.mark.parametrize("row", range(4))
def test_maps_have_the_colours_of_the_figure(page, row):
    for view, values in enumerate(MAPS[str(row)], start=1):
        largest = max(np.nanmax(each[view - 1]) for each in MAPS.values())
        expect(pixels(page, row, view), wanted(values, "turbo", 0.0, largest))


def test_differences_have_two_signs(page):
    first, second = (resize_map(np.array(each, np.float32), (2, 2)) for each in MAPS["1"])
    expect(pixels(page, 1, 3), wanted(first / 2 - second, "RdBu_r", -1.0, 1.0))


def test_sliders_scale_raw_values(page):
    before = pixels(page, 1, 1)
    page.drag("[name=to]", 0.2)
    share = int(page.run("document.forms[0].elements.namedItem('to').value")) / 100
    assert share < 0.6
    expect(pixels(page, 1, 1), wanted(MAPS["1"][0], "turbo", 0.0, 2 * share))
    assert not np.array_equal(pixels(page, 1, 1), before)
    assert page.run("document.querySelectorAll('.bar span')[1].textContent") == f"{share:.3g}"
    page.drag("[name=from]", 0.1)
    low = int(page.run("document.forms[0].elements.namedItem('from').value")) / 100
    expect(pixels(page, 1, 1), wanted(MAPS["1"][0], "turbo", 2 * low, 2 * share))
    page.choose("scale", "own")
    expect(pixels(page, 0, 1), wanted(MAPS["0"][0], "turbo", low, share))


def test_the_opacity_slider(page):
    style = f"getComputedStyle({CANVAS.format(row=0, view=1)}).opacity"
    assert float(page.run(style)) == 0.5
    page.drag("[name=opacity]", 1.0)
    assert float(page.run(style)) == 1.0
    page.drag("[name=opacity]", 0.0)
    assert float(page.run(style)) == 0.0
    page.run("document.querySelector('[type=reset]').click()")
    page.until(f"{style} === '0.5'")


def test_other_colours(page):
    page.choose("colours", "viridis")
    expect(pixels(page, 0, 1), wanted(MAPS["0"][0], "viridis", 0.0, 2.0))
    first = matplotlib.colormaps["viridis"](0.0, bytes=True)[:3]
    bar = page.run("document.querySelector('.bar div').style.background")
    assert "rgb({}, {}, {})".format(*first) in bar


@pytest.mark.parametrize(
    ("sort", "down", "order"),
    [
        ("", False, "0123"),
        ("name", True, "3210"),
        ("confidence, a", False, "3021"),
        ("confidence, b", True, "2031"),
        ("agreement of CAMs", True, "0213"),  # the last has none: its map has NaN
        ("agreement of CAMs", False, "1203"),
        ("l: energy, a, gradcam, object", True, "3210"),
    ],
)
def test_sorting(page, sort, down, order):
    page.choose("sort", sort)
    page.choose("down", down)
    assert page.run(NAMES) == [f"{each}.png" for each in order]
    if ":" in sort:
        shown = page.run("document.querySelector('.key').textContent")
        assert shown == f"{sort}: 0.3"


@pytest.mark.parametrize(
    ("field", "value", "order"),
    [
        ("show", "right", "03"),
        ("show", "wrong", "12"),
        ("show", "different", "1"),
        ("show", "same", "023"),
        ("find", " 2.P", "2"),
    ],
)
def test_filtering(page, field, value, order):
    page.choose(field, value)
    assert page.run(NAMES) == [f"{each}.png" for each in order]
    assert page.run("document.getElementById('count').value") == f"{len(order)} of 4 rows"


def test_a_view_is_kept_in_the_address(page, address):
    page.choose("sort", "confidence, a")
    page.choose("opacity", "20")
    kept = page.run("location.hash")
    assert kept == "#opacity=20&sort=confidence%2C+a"
    page.open("about:blank#")
    page.open(address + kept)
    page.until("built.size === rows.length")
    assert page.run(NAMES) == ["3.png", "0.png", "2.png", "1.png"]
    page.requests.clear()


def test_the_value_under_the_pointer(page):
    found = page.run(
        f"(() => {{ const box = {CANVAS.format(row=1, view=1)}.parentElement, area = box.getBoundingClientRect();"
        " box.dispatchEvent(new PointerEvent('pointermove', {bubbles: true,"
        " clientX: area.left + 1, clientY: area.top + 1}));"
        " return box.parentElement.querySelector('output').value; })()"
    )
    assert float(found) == 2.0


def test_tables_are_sorted_by_a_click(page):
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.run("document.querySelectorAll('#part2 th')[4].click()")
    page.run("document.querySelectorAll('#part2 th')[4].click()")
    column = "[...document.querySelectorAll('#part2 tbody tr')].map((each) => each.cells[4].textContent)"
    assert [float(each) for each in page.run(column)] == pytest.approx([0.3, 0.2, 0.1, 0.0])


def test_light_dark_and_print(page):
    def ground(dark):
        return np.array(Image.open(io.BytesIO(page.picture(dark))).convert("L"))[0, 0]

    assert ground(dark=False) > 240
    assert ground(dark=True) < 40
    assert page.printed().startswith(b"%PDF")


def test_rows_far_away_are_given_back(browser, tmp_path):
    names = {number: f"{number}.png" for number in MAPS}
    address = save(tmp_path, [write_gallery(tmp_path / f"g{i:02}", names=names) for i in range(12)])
    browser.open(address)
    browser.until("built.size > 0")
    assert browser.run("built.size") < browser.run("rows.length") == 48
    browser.run("window.scrollTo(0, document.body.scrollHeight)")
    browser.until("built.has(rows[47]) && !built.has(rows[0])")
    assert browser.run("rows[0].querySelectorAll('canvas, img').length") == 0
    browser.run("window.scrollTo(0, 0)")
    browser.until("built.has(rows[0]) && rows[0].querySelectorAll('canvas.map').length === 3")


def test_no_script_of_strangers_runs(browser, tmp_path):
    browser.errors.clear()
    browser.requests.clear()
    address = save(tmp_path, [write_gallery(tmp_path / "g", evil=True, pictures=("0",))])
    browser.open(address)
    browser.until("built.size === 1")
    assert browser.run("document.title") == "A title"
    assert browser.run("document.body.innerText.includes('{{ 7*7 }}')")
    assert browser.errors == []
    assert {each for each in browser.requests if not each.startswith("data:")} == {address}
