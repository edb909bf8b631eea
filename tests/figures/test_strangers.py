"""Figures of strangers' results: nothing outside the folder is written, no page that no memory holds."""

from __future__ import annotations

import json

import pytest
from compared import COLUMNS, FAST, draw, make
from stored import edit
from typer.testing import CliRunner

from rgaviz.analysis.redraw import redraw
from rgaviz.cli import app
from rgaviz.errors import LONGEST, OutputError, RgavizError
from rgaviz.figures.confusion import CORNER
from rgaviz.figures.growth import draw_scaling
from rgaviz.figures.sheet import MOST, sheet
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, ResultsError
from rgaviz.results.writer import ResultsWriter

PLAIN = {"formats": ("png",), "dpi": 50}


def masks(folder, path="0.jpg"):
    make(folder, COLUMNS[:4], paths=[path])
    edit(folder, command="masks")
    return folder


@pytest.mark.parametrize("link", ["overlays", "overlays/deep"])
def test_overlays_do_not_follow_a_link_out_of_the_folder(tmp_path, link):
    folder, outside = masks(tmp_path / "r", "deep/0.jpg"), tmp_path / "outside"
    outside.mkdir()
    (folder / link).parent.mkdir(exist_ok=True)
    (folder / link).symlink_to(outside)
    with pytest.raises(OutputError, match=r"leads out of .* by a link: remove that, or choose"):
        redraw(folder, figure=PLAIN)
    assert list(outside.iterdir()) == []
    redraw(folder, tmp_path / "elsewhere", figure=PLAIN)
    assert list(outside.iterdir()) == []


def test_a_figure_that_is_a_link_is_replaced_not_followed(tmp_path):
    folder = masks(tmp_path / "r")
    redraw(folder, figure=PLAIN)
    (tmp_path / "thesis.png").write_text("theirs")
    (folder / "masks.png").unlink()
    (folder / "masks.png").symlink_to(tmp_path / "thesis.png")
    redraw(folder, figure=PLAIN)
    assert (tmp_path / "thesis.png").read_text() == "theirs"
    assert not (folder / "masks.png").is_symlink()


@pytest.mark.parametrize("name", ["masks.png", "overlays", "manifest.json", "pictures"])
def test_links_that_lead_in_a_circle(tmp_path, name):
    folder = masks(tmp_path / "r")
    if (folder / name).exists():
        (folder / name).rename(tmp_path / "moved")
    (folder / name).symlink_to(folder / name)
    result = CliRunner().invoke(app, ["redraw", str(folder), "--format", "png", "--dpi", "50"])
    assert (result.exit_code, result.stderr.count("\n")) == ((1, 1) if name != "masks.png" else (0, 0)), (
        result.stderr
    )


def test_a_link_to_our_own_folder_is_followed(tmp_path):
    masks(tmp_path / "r")
    (tmp_path / "link").symlink_to(tmp_path / "r")
    redraw(tmp_path / "link", figure=PLAIN)
    assert (tmp_path / "r/overlays/0-a-gradcam.png").is_file()


def test_thousands_of_lines_under_a_panel_are_cut(tmp_path):
    told = [Line(text=f"warning {number}", role="flag") for number in range(3000)]
    results = make(tmp_path / "r", COLUMNS[:2], lines={1: told})
    figure = draw(results, FigureOptions(dpi=1200))
    said = [text.get_text() for text in figure.axes[1].texts if text.xy[1] == 0]
    assert said[0] == "! warning 0"
    assert said[-1] == "and 2970 more"
    assert figure.get_figheight() < 8.5


@pytest.mark.parametrize(("preset", "code"), [("figure3", 1), ("rows", 0)])
def test_text_alone_among_panels(tmp_path, preset, code):
    """Which only rankings write."""
    folder = make(tmp_path / "r", COLUMNS[:2]).folder
    row = json.loads((folder / "manifest.json").read_text())["rows"][0]
    edit(folder, rows=[[{"kind": "text", "lines": [{"text": "told"}]}, row[1]]])
    words = ["redraw", str(folder), "--format", "png", "--dpi", "50", "--preset", preset]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stderr.count("\n")) == (code, code), result.stderr


def test_a_page_that_no_memory_holds_is_refused():
    assert sheet(6.88, 8.5, FigureOptions(dpi=1000)).get_size_inches().tolist() == [6.88, 8.5]
    for width, height in ((40, 8.5), (6.88, 8.5), (6.88, 101)):
        with pytest.raises(
            RgavizError, match=r"million pixels: choose --dpi \d+ or less, a smaller"
        ) as caught:
            sheet(width, height, FigureOptions(dpi=1200))
        assert "\n" not in str(caught.value)
        if height < 100:
            dpi = int(str(caught.value).split("--dpi ")[1].split()[0])
            sheet(width, height, FigureOptions(dpi=dpi))  # that advice helps


def test_pages_come_before_overlays_and_refusals_before_both(tmp_path, monkeypatch):
    """Of thousands of pictures the overlays take minutes."""
    folder, order = masks(tmp_path / "r"), []

    def saved(figure, stem, options):
        order.append(stem.name)
        stem.with_name(f"{stem.name}.png").touch()

    def written(path, content):
        order.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    monkeypatch.setattr("rgaviz.figures.draw.save_figure", saved)
    monkeypatch.setattr("rgaviz.marked.atomic_write", written)
    redraw(folder, figure=PLAIN)
    assert order[0] == "masks"
    assert "0-a-gradcam.png" in order  # which are written by threads, in any order
    two = make(tmp_path / "two", COLUMNS[:2], [(8, 8)] * 2, paths=["a.jpg", "a.png"]).folder
    edit(two, command="masks")
    order.clear()
    with pytest.raises(OutputError, match="would both write"):
        redraw(two, figure=PLAIN)
    assert order == []


TOO_MANY = MOST + 1
MANY = {
    "profile": {
        "cost": [["label", "cost", "value", "spread"], *([f"n{i}", i, i, ""] for i in range(TOO_MANY))]
    },
    "train": {"curves": [["network", "epoch", "test_loss"], *([f"n{i}", 1, 1] for i in range(TOO_MANY))]},
    "growth": {
        "growth": [["attention", "x", "latency_ms", "latency_q1_ms", "latency_q3_ms", "memory_mib"]],
        "exponents": [["attention", "latency_ms", "memory_mib"], *([f"n{i}", 1, 1] for i in range(TOO_MANY))],
    },
}


@pytest.mark.parametrize("command", MANY)
def test_more_networks_than_a_chart_can_show(tmp_path, command):
    with ResultsWriter(tmp_path / "r", {"command": command}) as writer:
        for name, rows in MANY[command].items():
            writer.table(name, rows)
    with pytest.raises(
        RgavizError, match=r"There are 101 \w+ for one chart, which shows 100 at most: choose fewer"
    ):
        redraw(tmp_path / "r", figure=PLAIN)


def test_a_text_of_megabytes_is_cut_at_once(tmp_path):
    results = make(
        tmp_path / "r", COLUMNS[:2], lines={1: [Line(text="x" * 10_000_000), Line(text="y " * 5_000_000)]}
    )
    said = [text.get_text() for text in draw(results, FAST).axes[1].texts if text.xy[1] == 0]
    assert [each[0] for each in said[:4]] == ["x", "x", "y", "y"]
    assert [each[-1] for each in (said[1], said[3])] == ["…", "…"]


def test_signs_of_formulas_in_a_name_are_signs():
    curve = {"label": r"$\frac$ a$", "x": [1, 2], "latency_ms": [1, 2], "memory_mib": [None, None]}
    figure = draw_scaling([{**curve, "exponents": (1.0, None), "direct": False}], FAST, "N")
    figure.draw_without_rendering()
    (text,) = figure.legends[0].get_texts()
    assert text.get_text() == r"\$\frac\$ a\$: time $N^{1.0}$"


def test_odd_texts_of_charts(tmp_path):
    """No warning of matplotlib's, no formula that it cannot read, no file elsewhere."""
    with ResultsWriter(
        tmp_path / "r", {"command": "train", "texts": {"loss": "a\u0007\u4e00$\\frac$\nb"}}
    ) as writer:
        writer.table("curves", [["network", "epoch", "test_loss"], ["\u4e00$x", 1, 1.0]])
    redraw(tmp_path / "r", figure=PLAIN)
    with ResultsWriter(tmp_path / "g", {"command": "growth", "texts": {"axis": "$\\frac"}}) as writer:
        writer.table("growth", MANY["growth"]["growth"])
        writer.table("exponents", MANY["growth"]["exponents"][:3])
    with pytest.raises(ResultsError, match=r"grows along .*, not N or C"):
        redraw(tmp_path / "g", figure=PLAIN)
    with ResultsWriter(tmp_path / "e", {"command": "evaluate"}) as writer:
        writer.table("x" * 180, [[CORNER, "a"], ["a", 1]])
    redraw(tmp_path / "e", figure=PLAIN)
    edit(tmp_path / "e", tables={"x" * 300: f"tables/{'x' * 180}.csv"})
    with pytest.raises(OutputError, match=r"Cannot write .*File name too long"):
        redraw(tmp_path / "e", figure=PLAIN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e", "g", "r"]


@pytest.mark.parametrize(
    ("name", "value", "option"),
    [
        ("width", "x\ny", "--width"),
        ("dpi", 7, "--dpi"),
        ("dpi", "many", "--dpi"),
        ("cmap", [], "--cmap"),
        ("alpha", 2, "--alpha"),
        ("formats", 5, "--format"),
        ("formats", ["gif"], "--format"),
        ("scale", {"cam": "fixed:2,1"}, "--scale"),
        ("venue", "x" * 5000, "--venue"),
    ],
)
def test_an_option_that_nobody_typed_is_the_manifests_fault(tmp_path, name, value, option):
    folder = masks(tmp_path / "r")
    edit(folder, figure={name: value})
    with pytest.raises(
        ResultsError, match=rf"manifest\.json is broken \(figure\.{name} cannot be .*give another {option}"
    ):
        redraw(folder, figure={"dpi": 50} if name != "dpi" else {})
    good = {
        "width": 3.0,
        "dpi": 50,
        "cmap": "jet",
        "alpha": 0.5,
        "formats": ("png",),
        "scale": "shared",
        "venue": "cvpr",
    }
    redraw(folder, figure={**PLAIN, name: good[name]})  # that advice helps
    result = CliRunner().invoke(app, ["redraw", str(folder)])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert len(result.stderr) <= LONGEST + 1


def test_an_option_of_a_later_version(tmp_path):
    folder = masks(tmp_path / "r")
    edit(folder, figure={"colour": "red"})
    with pytest.raises(ResultsError, match=r"figure\.colour, an option that this version does not know"):
        redraw(folder, figure=PLAIN)


def test_a_table_under_our_name_that_is_no_file(tmp_path):
    folder = make(tmp_path / "r", COLUMNS[4:5]).folder
    edit(folder, command="histogram")
    (folder / "histogram.csv").symlink_to("/dev/zero")
    with pytest.raises(OutputError, match=r"histogram\.csv is there and was not written by rgaviz"):
        redraw(folder, figure=PLAIN)
    (folder / "histogram.csv").unlink()
    redraw(folder, figure=PLAIN)
    assert (folder / "histogram.csv").read_text().startswith("label,")
