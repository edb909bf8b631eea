"""Results that cannot be read say why, in one line."""

from __future__ import annotations

import pickle

import pytest
from stored import REF, edit, write

from rgaviz.results.manifest import Manifest, ResultsError
from rgaviz.results.reader import read_results


class Exploding:
    def __reduce__(self):
        return print, ("the pickle ran",)


def test_folders_that_are_not_results(tmp_path):
    with pytest.raises(ResultsError, match=r"No folder .*nowhere"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(ResultsError, match="No results in"):
        read_results(tmp_path)
    for text in ("", "[1]", "{}", '{"schema": "1"}', '{"schema": true}', "[" * 100_000):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ResultsError, match="No results in"):
            read_results(tmp_path)


def test_a_newer_schema_says_upgrade(tmp_path):
    folder = write(tmp_path / "out")
    edit(folder, schema=4)
    with pytest.raises(ResultsError, match=r"newer rgaviz \(schema 4, this one reads 3.*upgrade"):
        read_results(folder)


PICTURED = {"id": "0", "path": "cats/0.jpg", "size": [2, 3]}
LABELLED = {**REF, "group": "labels"}
SHOWN = {"kind": "map", "picture": "0", "map": REF}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pictures": None}, "pictures: "),
        ({"rows": [3]}, "rows.0: "),
        ({"rows": [[3]]}, "rows.0.0: "),
        ({"command": None}, "command: "),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"rows": [[{"kind": "pie"}]]}, "rows.0.0.kind: "),
        (
            {"rows": [[{**SHOWN, "map": {**REF, "group": "x"}}]]},
            "rows.0.0.map.group: .* 'cam', 'signed', 'mask', 'relation'",
        ),
        ({"rows": [[{**SHOWN, "lines": "x"}]]}, "rows.0.0.lines: "),
        ({"rows": [[{**SHOWN, "lines": [{"text": "x", "role": "x"}]}]]}, "rows.0.0.lines.0.role: "),
        ({"rows": [[{**SHOWN, "values": {"confidence": [1]}}]]}, "rows.0.0.values.confidence"),
        ({"rows": [[{**SHOWN, "marks": [{"x": 0.5, "y": 1.5}]}]]}, "rows.0.0.marks.0.y: "),
        ({"rows": [[{**SHOWN, "frame": "green"}]]}, "rows.0.0.frame: "),
        ({"rows": [[{"kind": "map", "picture": "0"}]]}, "rows.0.0: a panel of kind map lacks map"),
        ({"rows": [[{"kind": "picture"}]]}, "rows.0.0: a panel of kind picture lacks picture"),
        ({"rows": [[{**SHOWN, "kind": "difference"}]]}, "rows.0.0: a panel of kind difference lacks minus"),
        ({"rows": [[{**SHOWN, "kind": "difference", "minus": 3}]]}, "rows.0.0.minus: "),
        ({"rows": [[{**SHOWN, "picture": "7"}]]}, "row 0 names picture '7', which is not there"),
        ({"rows": [[SHOWN] * 3]}, "row 0 has 3 panels for 2 titles"),
        (
            {"rows": [[{**SHOWN, "map": {**REF, "name": "../x"}}]]},
            "rows.0.0.map.name: leads outside its folder",
        ),
        (
            {"rows": [[{**SHOWN, "map": {**REF, "checkpoint": "a/b"}}]]},
            "rows.0.0.map.checkpoint: has a slash",
        ),
        ({"pictures": [PICTURED, PICTURED]}, "two pictures have one id"),
        ({"pictures": [{**PICTURED, "id": "../x"}]}, "pictures.0.id: "),
        ({"pictures": [{**PICTURED, "id": "a/x"}]}, "pictures.0.id: has a slash"),
        ({"pictures": [{**PICTURED, "path": "/etc/passwd"}]}, "pictures.0.path: leads outside"),
        ({"pictures": [{**PICTURED, "size": [0, 3]}]}, "pictures.0.size.0: "),
        ({"pictures": [{**PICTURED, "size": [2]}]}, "pictures.0.size: "),
        (
            {"pictures": [{**PICTURED, "size": [9999, 9999]}]},
            "pictures.0.size: has more than 16777216 pixels",
        ),
        (
            {"rows": [[{**SHOWN, "kind": "labels"}]]},
            "rows.0.0: a panel of kind labels has a map of the group cam",
        ),
        (
            {"rows": [[{**SHOWN, "map": LABELLED}]]},
            "rows.0.0: a panel of kind map has a map of the group labels",
        ),
        (
            {"rows": [[{**SHOWN, "kind": "errors", "map": LABELLED}]]},
            "row 0 has a panel of kind errors, and there are no classes",
        ),
        ({"classes": [{"name": "sky", "colour": [0, 0, 256]}]}, "classes.0.colour.2: "),
        ({"classes": [{"name": "sky", "colour": [0, 0]}]}, "classes.0.colour: "),
        ({"classes": [{"name": "sky", "colour": [0.5, 0, 0]}]}, "classes.0.colour.0: "),
        ({"classes": [{"colour": [0, 0, 0]}]}, "classes.0.name: "),
        ({"classes": [{"name": "sky", "colour": [0, 0, 0]}] * 256}, "classes: .*at most 255 items"),
        ({"tables": {"x": "../x.csv"}}, "tables.x: leads outside"),
        ({"tables": {"../x": "x.csv"}}, r"tables.../x.\[key\]: leads outside"),
        ({"files": ["/etc/passwd"]}, "files.0: leads outside"),
        ({"seed": "x", "pictures": 3}, "seed: .*; pictures: "),  # all faults at once
    ],
)
def test_a_broken_manifest_says_where(tmp_path, changes, fault):
    folder = write(tmp_path / "out")
    edit(folder, **changes)
    with pytest.raises(ResultsError, match=f"broken .{fault}.*run the command") as caught:
        read_results(folder)
    assert "\n" not in str(caught.value)


def test_a_great_many_faults_are_one_short_line(tmp_path):
    folder = write(tmp_path / "out")
    edit(folder, **{name: 3 for name in Manifest.model_fields})
    with pytest.raises(
        ResultsError, match=r"command: .*; command_line: .*; versions: .*; and 10 more"
    ) as caught:
        read_results(folder)
    assert len(str(caught.value)) < 700
    folder = write(tmp_path / "other")
    for changes in ({"rows": [[{"kind": "pie"}]] * 500}, {"pictures": ["x"] * 500}, {"files": [3] * 500}):
        edit(folder, **{"rows": [], "pictures": [], **changes})
        with pytest.raises(
            ResultsError, match=r"\((rows|pictures|files)\.0[^;]*\): run"
        ) as caught:  # the first one, of millions
            read_results(folder)
        assert len(str(caught.value)) < 700
    edit(folder, titles=["x"] * 1001)
    with pytest.raises(ResultsError, match=r"titles: has 1001 entries, more than 1000"):
        read_results(folder)


def test_broken_maps_and_pictures(tmp_path, capsys):
    folder = write(tmp_path / "out")
    results = read_results(folder)
    with pytest.raises(ResultsError, match="no map '0/rga/layercam'"):
        results.map("0", "rga", "layercam")
    (folder / "pictures/0.png").write_bytes(b"\x89PNG")
    with pytest.raises(ResultsError, match=r"Cannot read .*0\.png"):
        results.picture("0")
    whole = (folder / "maps.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[200] ^= 0xFF  # inside the first map: the archive's checksum tells
    (folder / "maps.npz").write_bytes(flipped)
    with pytest.raises(ResultsError, match="damaged at '0/rga/gradcam'"):
        read_results(folder).map("0", "rga", "gradcam")
    for broken in (b"", whole[:50], pickle.dumps(Exploding())):
        (folder / "maps.npz").write_bytes(broken)
        with pytest.raises(ResultsError, match="missing or damaged"):
            read_results(folder)
    assert capsys.readouterr().out == ""
