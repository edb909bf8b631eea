"""Results of schema 1 are read, drawn as ever, and refused where they are broken."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from rgaviz.errors import OutputError
from rgaviz.figures.draw import draw, record_options
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output, own_files
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, ResultsError
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

FAST = FigureOptions(formats=("png",), dpi=50)
CAM = {"kind": "map", "title": "rga Grad-CAM", "checkpoint": "rga", "map": "gradcam", "group": "cam"}
MASK = {"kind": "map", "title": "rga mask", "checkpoint": "rga", "map": "conv5/spatial", "group": "mask"}
BARS = {"kind": "bars", "title": "rga channels", "checkpoint": "rga", "map": "conv5/channel", "group": "mask"}
DIFFERENCE = {
    **{"kind": "difference", "title": "rga - baseline", "group": "difference"},
    **{"checkpoint": "rga", "map": "gradcam", "minus": {"checkpoint": "baseline", "map": "gradcam"}},
}
COLUMNS = [{"kind": "picture", "title": "input"}, CAM, DIFFERENCE, MASK, BARS]
TOLD = {"prediction": "cat", "confidence": 0.934, "correct": False, "target": "dog", "warnings": ["flat map"]}
ENTRY = {
    **{"id": "0", "path": "pics/0.jpg", "size": [8, 12], "label": "dog"},
    "panels": {"1": TOLD, "3": {"prediction": "cat", "confidence": 1, "correct": None, "target": None}},
}
EARLIER = {
    "schema": 1,
    "command": "compare",
    "command_line": "rgaviz compare baseline.pt rga.pt pics",
    "seed": 0,
    "versions": {"rgaviz": "0.1.0"},
    "target": "top1",
    "checkpoints": [{"id": "baseline"}, {"id": "rga", "error": 12.5}],
    "columns": COLUMNS,
    "pictures": [ENTRY],
    "figure": record_options(FAST),
    "files": ["compare.pdf"],
}
MAPS = {
    "baseline/gradcam": np.array([[0.0, 2.0], [4.0, 1.0]]),
    "rga/gradcam": np.array([[0.0, 0.5], [0.1, 0.2]]),
    "rga/conv5/spatial": np.array([[0.2, 0.8], [0.5, 0.5]]),
    "rga/conv5/channel": np.array([0.1, 0.5, 0.9]),
}
CAM_REF, BASELINE = (MapRef(checkpoint=name, name="gradcam", group="cam") for name in ("rga", "baseline"))
PANELS = [
    Panel(kind="picture", picture="0", lines=[Line(text="pics/0.jpg"), Line(text="label: dog")]),
    Panel(
        kind="map",
        picture="0",
        map=CAM_REF,
        lines=[
            Line(text="cat 93%", role="wrong"),
            Line(text="target: dog"),
            Line(text="flat map", role="flag"),
        ],
        values={"label": "cat", "confidence": 0.934, "correct": False, "target": "dog"},
    ),
    Panel(kind="difference", picture="0", map=CAM_REF, minus=BASELINE),
    Panel(
        kind="map",
        picture="0",
        map=MapRef(checkpoint="rga", name="conv5/spatial", group="mask"),
        lines=[Line(text="cat 100%")],
        values={"label": "cat", "confidence": 1},
    ),
    Panel(kind="bars", picture="0", map=MapRef(checkpoint="rga", name="conv5/channel", group="mask")),
]


def now(folder):
    """The same results as they are written now."""
    with ResultsWriter(folder, {"command": "compare", "titles": [c["title"] for c in COLUMNS]}) as writer:
        pixels = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
        writer.picture(Picture(id="0", path="pics/0.jpg", size=[8, 12], label="dog"), pixels, MAPS)
        writer.row(PANELS)
    return folder


def earlier(folder, **changes):
    """A folder as schema 1 had it; maps and pictures have not changed."""
    now(folder)
    (folder / "manifest.json").write_text(json.dumps({**EARLIER, **changes}))
    return folder


def test_it_is_read_as_rows_of_panels(tmp_path):
    manifest = read_results(earlier(tmp_path / "r")).manifest
    assert manifest.titles == [column["title"] for column in COLUMNS]
    assert manifest.rows == [PANELS]
    assert manifest.pictures == [Picture(id="0", path="pics/0.jpg", size=[8, 12], label="dog")]
    for key in ("command", "command_line", "seed", "versions", "target", "checkpoints", "files"):
        assert getattr(manifest, key) == EARLIER[key]


@pytest.mark.parametrize(
    ("scale", "formats"),
    [(None, ("pdf", "png")), *((scale, ("png",)) for scale in ("shared", "image", "model", "fixed:0,1"))],
)
def test_it_is_drawn_as_the_same_results_are_now(tmp_path, scale, formats):
    options = FigureOptions(formats=formats, dpi=50, scale=scale)
    drawn = []
    for name, make in (("old", earlier), ("new", now)):
        folder = make(tmp_path / name)
        paths = draw(folder, Output(folder, folder / "compare"), options).paths
        drawn.append([path.read_bytes() for path in paths])
    assert drawn[0] == drawn[1]
    files = json.loads((tmp_path / "old/manifest.json").read_text())["files"]
    assert files == ["compare.pdf", "compare.png"][: None if "png" in formats else 1]


def test_a_map_that_is_only_subtracted_is_of_its_own_column_or_a_cam(tmp_path):
    other = {**DIFFERENCE, "map": "conv5/spatial", "minus": {"checkpoint": "x", "map": "y"}}
    (row,) = read_results(earlier(tmp_path / "r", columns=[MASK, other])).manifest.rows
    assert row[1].map is not None
    assert row[1].minus is not None
    assert (row[1].map.group, row[1].minus.group) == ("mask", "cam")


def test_its_files_are_ours_and_a_rerun_replaces_them(tmp_path):
    folder = earlier(tmp_path / "r")
    assert sorted(own_files(folder)) == ["compare.pdf", "manifest.json", "maps.npz", "pictures/0.png"]
    for name in ("compare.pdf", "mine.txt"):
        (folder / name).write_text("x")
    now(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "maps.npz",
        "mine.txt",
        "pictures",
    ]
    shutil.copy(folder / "maps.npz", folder / "pictures/1.png")  # not one of its pictures
    (folder / "manifest.json").write_text(
        json.dumps({**EARLIER, "pictures": [ENTRY, {**ENTRY, "id": "1/../.."}]})
    )
    assert "pictures/1.png" not in own_files(folder)
    with (
        pytest.raises(OutputError, match=r"pictures/1\.png is there"),
        ResultsWriter(folder, {"command": "x"}) as w,
    ):
        w.picture(Picture(id="1", path="1.jpg", size=[8, 12]), np.zeros((8, 12, 3), np.uint8), {})


def test_what_it_said_too_much_is_let_be(tmp_path):
    folder = earlier(tmp_path / "r", note="x", columns=[{**CAM, "note": 3}], pictures=[{**ENTRY, "note": 3}])
    assert read_results(folder).manifest.titles == [CAM["title"]]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pictures": None}, "pictures: "),
        ({"columns": [3]}, "columns.0: "),
        ({"columns": [{"kind": "pie", "title": "x"}]}, "columns.0.kind: "),
        ({"columns": [{**CAM, "title": 3}]}, "columns.0.title: "),
        ({"columns": [{**CAM, "group": "x"}]}, "columns.0.group: .*'cam', 'mask'"),
        ({"columns": [{**CAM, "group": "difference"}]}, "columns.0: has a group that is none of cam, mask"),
        ({"columns": [{**CAM, "map": 3}]}, "columns.0.map: "),
        ({"columns": [{**CAM, "checkpoint": "a/b"}]}, "columns.0.checkpoint: has a slash"),
        ({"columns": [{"kind": "map", "title": "x", "group": "cam"}]}, "columns.0: lacks checkpoint, map"),
        ({"columns": [{**DIFFERENCE, "minus": 3}]}, "columns.0.minus: "),
        ({"columns": [{**DIFFERENCE, "minus": None}]}, "columns.0: lacks minus"),
        ({"columns": [{**DIFFERENCE, "minus": {"map": "x"}}]}, "columns.0.minus.checkpoint: "),
        ({"pictures": [{**ENTRY, "id": "../x"}]}, "pictures.0.id: "),
        ({"pictures": [{**ENTRY, "id": "a/x"}]}, "pictures.0.id: has a slash"),
        ({"pictures": [{**ENTRY, "path": "/etc/passwd"}]}, "pictures.0.path: leads outside"),
        ({"pictures": [{**ENTRY, "size": [0, 3]}]}, "pictures.0.size.0: "),
        ({"pictures": [{**ENTRY, "size": [8, 100_000]}]}, "pictures.0.size.1: "),
        ({"pictures": [{**ENTRY, "size": [True, 3]}]}, "pictures.0.size.0: "),
        ({"pictures": [{**ENTRY, "panels": {"1": 3}}]}, "pictures.0.panels.1: "),
        ({"pictures": [{**ENTRY, "panels": 3}]}, "pictures.0.panels: "),
        ({"pictures": [{**ENTRY, "panels": {"1": {"confidence": "x"}}}]}, "panels.1.confidence: "),
        ({"pictures": [{**ENTRY, "panels": {"1": {"confidence": 1.5}}}]}, "panels.1.confidence: "),
        ({"pictures": [{**ENTRY, "panels": {"1": {"correct": "yes"}}}]}, "panels.1.correct: "),
        ({"pictures": [{**ENTRY, "panels": {"1": {"warnings": "x"}}}]}, "panels.1.warnings: "),
    ],
)
def test_a_broken_manifest_says_where(tmp_path, changes, fault):
    folder = earlier(tmp_path / "r", **changes)
    with pytest.raises(ResultsError, match=rf"broken \(.*{fault}.*run the command") as caught:
        read_results(folder)
    assert "\n" not in str(caught.value)


ODDITIES = [
    *(("command_line",), ("seed",), ("versions",), ("target",), ("figure",), ("files",)),
    *(("pictures", 0, "label"), ("columns", 2, "group"), ("columns", 0, "group")),
    *(("pictures", 0, "panels", "1", key) for key in ("prediction", "target")),
    ("pictures", 0, "panels", "1", "warnings", 0),
]


ANYTHING = (None, True, 7, "difference", [3], {"a": 1})


def odd(folder, place, value):
    """A folder whose manifest has a value in a place."""
    manifest = json.loads(json.dumps(EARLIER))
    holder = manifest
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    return earlier(folder, **manifest)


@pytest.mark.parametrize("place", ODDITIES, ids=lambda place: ".".join(map(str, place)))
def test_what_no_figure_needs_may_be_anything(tmp_path, place):
    """As it could be when these results were written: it is left out."""
    for number, value in enumerate(ANYTHING):
        manifest = read_results(odd(tmp_path / str(number), place, value)).manifest
        assert [[panel.kind for panel in row] for row in manifest.rows] == [[p.kind for p in PANELS]]


# Of each place one value, and of each value two places; the others as well where there is time.
DRAWN = [
    pytest.param(
        place,
        value,
        id=f"{'.'.join(map(str, place))}-{value}",
        marks=[] if row % len(ANYTHING) == column else [pytest.mark.slow],
    )
    for row, place in enumerate(ODDITIES)
    for column, value in enumerate(ANYTHING)
]


@pytest.mark.parametrize(("place", "value"), DRAWN)
def test_with_anything_it_is_drawn(tmp_path, place, value):
    folder = odd(tmp_path / "r", place, value)
    assert draw(folder, Output(folder, folder / "again"), FAST).paths


@pytest.mark.parametrize("value", [None, 7, [3]])
def test_without_a_command_it_is_a_comparison(tmp_path, value):
    assert read_results(earlier(tmp_path / "r", command=value)).manifest.command == "compare"


def test_true_as_a_confidence_is_all(tmp_path):
    folder = earlier(tmp_path / "r", pictures=[{**ENTRY, "panels": {"1": {**TOLD, "confidence": True}}}])
    assert read_results(folder).manifest.rows[0][1].lines[0].text == "cat 100%"


def test_the_networks_are_needed(tmp_path):
    folder = earlier(tmp_path / "r")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["checkpoints"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ResultsError, match="checkpoints"):
        read_results(folder)
