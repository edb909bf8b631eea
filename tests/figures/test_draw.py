"""Which figure belongs to which command, and the options that are remembered."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile

import numpy as np
import pytest
from charts import CHARTS, TEXTS
from pictures import save_picture
from typer.testing import CliRunner

from rgaviz.cli import app
from rgaviz.errors import OutputError, RgavizError
from rgaviz.figures.draw import FIGURES, draw, figure_options, record_options
from rgaviz.figures.histogram import channel_masks
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.manifest import MapRef, Panel, Picture, ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter
from rgaviz.writing import csv_bytes

FAST = FigureOptions(formats=("png",), dpi=50)
TITLES = ["input", "a mask", "a channels"]
SPATIAL, CHANNEL = (MapRef(checkpoint="a", name=f"conv5/{k}", group="mask") for k in ("spatial", "channel"))


def make(folder, command="masks", count=1, lengths=(6, 6), **head):
    with ResultsWriter(folder, {"command": command, "titles": TITLES, **head}) as writer:
        for i in range(count):
            maps = {
                "a/conv5/spatial": np.eye(2),
                "a/conv5/channel": np.linspace(0, 1, lengths[i]) * (i + 1) / 2,
            }
            writer.picture(
                Picture(id=str(i), path=f"{i}.jpg", size=[8, 8]), np.zeros((8, 8, 3), np.uint8), maps
            )
            shown = [Panel(kind="picture", picture=str(i)), Panel(kind="map", picture=str(i), map=SPATIAL)]
            writer.row([*shown, Panel(kind="bars", picture=str(i), map=CHANNEL)])
    return folder


def draw_in(folder, name, options=FAST):
    """Draw into the results folder."""
    return draw(folder, Output(folder, folder / name), options)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("masks", ["masks.png", "overlays/0-a-conv5-spatial.png"]),
        ("cam", ["cam.png", "overlays/0-a-conv5-spatial.png"]),
        ("compare", ["compare.png"]),
        ("histogram", ["histogram.png", "histogram.csv"]),
    ],
)
def test_files_of_every_command(tmp_path, command, expected):
    folder = make(tmp_path / "r", command)
    paths = draw_in(folder, command).paths
    assert [path.relative_to(folder).as_posix() for path in paths] == expected
    assert read_results(folder).manifest.files == sorted([*expected, "maps.npz", "pictures/0.png"])
    assert all(path.is_file() for path in paths)


def chart(folder, command):
    with ResultsWriter(folder, {"command": command, "texts": TEXTS.get(command, {})}) as writer:
        for name, rows in CHARTS[command].items():
            writer.table(name, rows)
    return folder


def test_every_command_has_its_figure():
    assert set(FIGURES) == {
        "masks",
        "cam",
        "compare",
        "relations",
        "histogram",
        "rank",
        "channel-relations",
        "evolve",
        *CHARTS,
    }


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("evaluate", ["net-confusion.png", "net-confusion.csv"]),
        ("cmc", ["cmc.png"]),
        ("iou", ["iou.png"]),
        ("profile", ["profile.png"]),
        ("growth", ["growth.png"]),
        ("localize", ["localize.png", "localize-thresholds.png"]),
        ("faithfulness", ["faithfulness.png"]),
        ("sanity", ["sanity.png"]),
        ("sanity-weights", ["sanity-weights.png"]),
        ("statistics", ["statistics.png"]),
        ("train", ["train.png"]),
    ],
)
def test_charts_are_drawn_from_tables_again_and_again(tmp_path, command, expected):
    folder = chart(tmp_path / "r", command)
    first = [path.read_bytes() for path in draw_in(folder, command).paths]
    paths = draw_in(folder, command).paths
    assert [path.name for path in paths] == expected
    assert [path.read_bytes() for path in paths] == first
    tables = [f"tables/{name}.csv" for name in CHARTS[command]]
    assert read_results(folder).manifest.files == sorted([*expected, *tables])
    named = draw(folder, Output(folder, tmp_path / "fig", named=True), FAST).paths
    assert {path.stem.removesuffix("-thresholds") for path in named} == {"fig"}


def test_confusion_matrices_of_several_networks(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "evaluate"}) as writer:
        for name in ("a", "b"):
            writer.table(name, CHARTS["evaluate"]["net"])
    names = [path.name for path in draw_in(tmp_path / "r", "evaluate").paths]
    assert names == [f"{name}-confusion.{kind}" for name in "ab" for kind in ("png", "csv")]
    named = draw(tmp_path / "r", Output(tmp_path / "r", tmp_path / "fig", named=True), FAST)
    assert [[path.name for path in page] for page in named.pages] == [
        [f"fig-{name}.{kind}" for kind in ("png", "csv")] for name in "ab"
    ]


JUNK = ("", "x", "-1", "nan", "1e999")


@pytest.mark.parametrize("command", CHARTS)
def test_junk_in_a_table_is_refused_in_one_line(tmp_path, command):
    """Whatever cell it stands in: drawn, or refused."""
    folder = chart(tmp_path / "r", command)
    refusals = []
    for name, rows in CHARTS[command].items():
        path = folder / "tables" / f"{name}.csv"
        whole = path.read_bytes()
        for number, (y, x) in enumerate(np.ndindex(len(rows), len(rows[0]))):
            changed = [[*line] for line in rows]
            changed[y][x] = JUNK[number % len(JUNK)]
            path.write_bytes(csv_bytes(changed))
            try:
                list(FIGURES[command](read_results(folder), FAST))
            except RgavizError as error:
                refusals.append(str(error))
        path.write_bytes(whole)
    assert len(refusals) > 2
    assert not any("\n" in each for each in refusals)


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def endless(size):
    """The beginning of an array that no memory holds."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (size, size)}
    )
    return file.getvalue()


MAPS = {
    "endless": endless(10**6),
    "endless and more": endless(10**9),
    "empty": npy(np.zeros((0, 5))),
    "empty list": npy(np.zeros(0)),
    "one number": npy(np.float32(1)),
    "too large": npy(np.full((2, 2), 1e300)),
    "text": npy(np.array([["a", "b"], ["c", "1"]])),
    "complex": npy(np.eye(2) * 1j),
    "records": npy(np.zeros((2, 2), [("a", "f4"), ("b", "i4")])),
    "dates": npy(np.array([["2020-01-01"]], "datetime64[D]")),
    "three axes": npy(np.zeros((2, 2, 2))),
    "no array": b"hello",
}
NUMBERS = ("1e23", "1e308", "-1e308", "nan", "inf", "text", "9" * 30, "9" * 5000)
UNBOUNDED = {"1e23", "9" * 30}  # what is only measured may be large


def hostile(command):
    """Faults of a command's results: whose file each is in, and what stands there.

    What is no number stands in one column of each table, one such text in each other column.
    """
    if command not in CHARTS:
        kinds = ("channel",) if command == "histogram" else ("spatial", "channel")
        yield from (("map", f"0/a/conv5/{kind}.npy", MAPS[fault]) for kind in kinds for fault in MAPS)
        return
    for name, rows in CHARTS[command].items():
        numbers = [column for column, value in enumerate(rows[1]) if isinstance(value, int | float)]
        for column in numbers:
            bad = [each for each in NUMBERS if isinstance(rows[1][column], int) or each not in UNBOUNDED]
            for junk in bad if column == numbers[0] else [bad[column % len(bad)]]:
                line = [*rows[1][:column], junk, *rows[1][column + 1 :]]
                yield "table", name, csv_bytes([rows[0], line, *rows[2:]])
        for bad in (csv_bytes(rows[:1]), csv_bytes([*rows, ["a"]]), csv_bytes([["x"]]), b"", b"\xff\x00"):
            yield "table", name, bad
    yield "manifest", "", b""


@pytest.mark.parametrize("command", FIGURES)
def test_hostile_results_are_one_line(tmp_path, command):
    """No traceback, no warning, no silence, whatever stands where numbers are expected."""
    folder = tmp_path / "r"
    for what, name, content in hostile(command):
        make(folder, command) if command not in CHARTS else chart(folder, command)
        if what == "map":
            with zipfile.ZipFile(folder / "maps.npz") as archive:
                members = {each: archive.read(each) for each in archive.namelist()}
            with zipfile.ZipFile(folder / "maps.npz", "w") as archive:
                for each, old in members.items():
                    archive.writestr(each, content if each == name else old)
        elif what == "table":
            (folder / "tables" / f"{name}.csv").write_bytes(content)
        else:
            manifest = json.loads((folder / "manifest.json").read_text())
            (folder / "manifest.json").write_text(json.dumps({**manifest, "tables": {}}))
        result = CliRunner().invoke(app, ["redraw", str(folder), "--format", "png", "--dpi", "50"])
        where = (what, name, content[:200], result.output, result.exception)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), where
        assert re.search(r"run the command|give |train for|name an attention|choose", result.stderr), where


def test_overlays_elsewhere(tmp_path):
    folder = make(tmp_path / "r")
    paths = draw(folder, Output(tmp_path / "fig", tmp_path / "fig", named=True), FAST).paths
    assert paths == [tmp_path / "fig.png", tmp_path / "fig/overlays/0-a-conv5-spatial.png"]
    assert read_results(folder).manifest.files == ["maps.npz", "pictures/0.png"]


@pytest.mark.parametrize("name", ["r", "fig"])  # with a ledger, and without
def test_an_overlay_of_someone_else_is_kept_and_our_own_is_replaced(tmp_path, name):
    folder = make(tmp_path / "r")
    where = Output(tmp_path / name, tmp_path / name / "masks")
    draw(folder, where, FAST)
    overlay = tmp_path / name / "overlays/0-a-conv5-spatial.png"
    ours = overlay.read_bytes()
    draw(folder, where, FAST)
    assert overlay.read_bytes() == ours
    shutil.rmtree(tmp_path / name)
    make(tmp_path / "r")
    overlay.parent.mkdir(parents=True)
    save_picture(overlay)
    theirs = overlay.read_bytes()
    with pytest.raises(OutputError, match=r"spatial\.png is there and was not written by rgaviz"):
        draw(folder, where, FAST)
    assert overlay.read_bytes() == theirs
    assert not (tmp_path / name / "masks.png").exists()


def test_a_file_of_someone_else(tmp_path):
    folder = make(tmp_path / "r")
    (folder / "masks.png").write_text("mine")
    with pytest.raises(OutputError, match=r"masks\.png is there"):
        draw_in(folder, "masks")
    assert (folder / "masks.png").read_text() == "mine"
    (folder / "masks.png").rename(folder / "masks-mine.png")  # not one of our names
    draw_in(folder, "masks")
    draw_in(folder, "masks")  # now it is ours
    assert (folder / "masks-mine.png").read_text() == "mine"


@pytest.mark.parametrize("command", ["paint", "../x", ["masks"], None, 3])
def test_no_such_command(tmp_path, command):
    folder = make(tmp_path / "r")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "command": command}))
    text = isinstance(command, str)
    with pytest.raises(ResultsError, match="no figure to draw" if text else "is broken .command: "):
        draw_in(folder, "x")


@pytest.mark.parametrize(
    "options",
    [
        FigureOptions(),
        FigureOptions(
            formats=("png", "svg"), venue="screen", width=4.5, dpi=90, cmap="jet", alpha=0.1, title=False
        ),
        *(FigureOptions(scale=scale) for scale in ("shared", "model", "image", "fixed:0,1")),
    ],
)
def test_options_are_remembered(tmp_path, options):
    folder = make(tmp_path / "r", figure=record_options(options))
    assert read_results(folder).manifest.figure["scale"] == options.scales
    assert figure_options(read_results(folder), {}) == options
    assert figure_options(read_results(folder), {"cmap": "magma"}).cmap == "magma"


@pytest.mark.parametrize(
    "change", [{"scale": {"cam": 3}}, {"dpi": "many"}, {"colour": "red"}, {"formats": 5}, {"cmap": []}]
)
def test_options_of_a_stranger(tmp_path, change):
    folder = make(tmp_path / "r", figure={**record_options(FAST), **change})
    with pytest.raises(RgavizError):
        figure_options(read_results(folder), {})


def test_channel_masks(tmp_path):
    (found,) = channel_masks(read_results(make(tmp_path / "r", count=2)))
    assert found["label"] == "a conv5"
    np.testing.assert_allclose(found["values"], [np.linspace(0, 0.5, 6), np.linspace(0, 1, 6)], atol=1e-7)
    with pytest.raises(ResultsError, match="differ in length"):
        channel_masks(read_results(make(tmp_path / "s", count=2, lengths=(6, 7))))
    with pytest.raises(RgavizError, match="no channel masks"):
        channel_masks(read_results(make(tmp_path / "e", count=0)))
