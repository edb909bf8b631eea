"""The results folder: what is written is read, nothing half-written stays, others' files stay."""

from __future__ import annotations

import json
import pickle
import zipfile

import numpy as np
import pytest

from rgaviz.errors import OutputError
from rgaviz.outputs import atomic_write, record_files
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, ResultsError, plain
from rgaviz.results.reader import number, number_or_none, read_results
from rgaviz.results.writer import ResultsWriter

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
MAP = np.array([[0.0, 1.5], [np.nan, -2.25]], dtype=np.float32)
HEAD = {
    "command": "compare",
    "checkpoints": [{"id": "rga", "error": np.float32(16.9)}],
    "titles": ["input", "m"],
}
REF = {"checkpoint": "rga", "name": "gradcam", "group": "cam"}


def entry(name="0"):
    return Picture(id=name, path=f"cats/{name}.jpg", size=[2, 3])


def row(name="0"):
    shown = Panel(kind="picture", picture=name, lines=[Line(text="cat")])
    told = {"prediction": "cat", "confidence": np.float64(0.25), "correct": None}
    return [shown, Panel(kind="map", picture=name, map=MapRef(**REF), values=plain(told))]


def write(folder, names=("0",), head=HEAD):
    with ResultsWriter(folder, head) as writer:
        for name in names:
            writer.picture(entry(name), PICTURE, {"rga/gradcam": MAP, "rga/conv5/channel": np.arange(3)})
            writer.row(row(name))
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edit(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_round_trip(tmp_path):
    results = read_results(write(tmp_path / "out", ("0", "1")))
    np.testing.assert_array_equal(results.picture("1"), PICTURE)
    np.testing.assert_array_equal(results.map("1", "rga", "gradcam"), MAP)
    np.testing.assert_array_equal(results.map("0", "rga", "conv5/channel"), [0, 1, 2])
    assert results.map("0", "rga", "conv5/channel").dtype == np.float32
    assert json.loads((tmp_path / "out/manifest.json").read_bytes())["schema"] == 2
    assert results.manifest.checkpoints == [{"id": "rga", "error": 16.9}]
    assert [picture.id for picture in results.manifest.pictures] == ["0", "1"]
    assert results.manifest.rows == [row("0"), row("1")]
    assert results.manifest.files == ["maps.npz", "pictures/0.png", "pictures/1.png"]


def test_numpy_can_read_the_maps_and_json_is_plain(tmp_path):
    figure = {"rate": 0.123456789, "bad": float("nan")}
    folder = write(tmp_path / "out", head={**HEAD, "seed": np.int64(3), "figure": figure})
    with zipfile.ZipFile(folder / "maps.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    with np.load(folder / "maps.npz") as archive:
        assert archive.files == ["0/rga/gradcam", "0/rga/conv5/channel"]
    text = (folder / "manifest.json").read_text()
    manifest = json.loads(text)
    assert (manifest["seed"], manifest["figure"]) == (3, {"rate": 0.123457, "bad": None})
    assert manifest["rows"][0] == [
        {"kind": "picture", "picture": "0", "lines": [{"text": "cat"}]},
        {
            "kind": "map",
            "picture": "0",
            "map": REF,
            "values": {"prediction": "cat", "confidence": 0.25, "correct": None},
        },
    ]
    assert text == json.dumps(manifest, indent=1, sort_keys=True) + "\n"


def test_a_rerun_gives_identical_bytes(tmp_path):
    assert contents(write(tmp_path / "a", ("0", "1"))) == contents(write(tmp_path / "b", ("0", "1")))


def test_pictures_are_on_the_disk_at_once(tmp_path):
    with ResultsWriter(tmp_path / "out", HEAD) as writer:
        writer.picture(entry(), PICTURE, {"rga/gradcam": np.zeros((64, 64))})
        (temporary,) = tmp_path.iterdir()
        assert (temporary / "maps.npz").stat().st_size > 64 * 64 * 4
        assert (temporary / "pictures/0.png").exists()
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_exception_leaves_nothing_and_earlier_results_alone(tmp_path):
    before = contents(write(tmp_path / "out"))

    def interrupted():
        with ResultsWriter(tmp_path / "out", HEAD) as writer:
            writer.picture(entry("7"), PICTURE, {"rga/gradcam": MAP})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_our_earlier_files_are_replaced_and_others_kept(tmp_path):
    folder = write(tmp_path / "out", ("0", "1", "2"))
    for name in ("notes.txt", "pictures/mine.png", "figure.pdf", "overlays/0.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    record_files(folder, [folder / "figure.pdf", folder / "overlays/0.png", tmp_path / "elsewhere.pdf"])
    listed = read_results(folder).manifest.files
    assert [name for name in listed if name in ("figure.pdf", "overlays/0.png")] == [
        "figure.pdf",
        "overlays/0.png",
    ]
    assert len(listed) == 2 + 4  # and what was there: the maps and the pictures
    write(folder, ("0",))
    assert sorted(contents(folder)) == [
        "manifest.json",
        "maps.npz",
        "notes.txt",
        "pictures/0.png",
        "pictures/mine.png",
    ]
    assert not (folder / "overlays").exists()
    assert (folder / "notes.txt").read_text() == "notes.txt"


def test_a_folder_of_others_gets_our_files_beside_theirs(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("text")
    folder = write(tmp_path / "out")
    assert sorted(contents(folder)) == ["manifest.json", "maps.npz", "pictures/0.png", "thesis.tex"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["manifest.json", "maps.npz"])
def test_a_foreign_file_under_our_name_is_refused_at_once(tmp_path, name):
    (tmp_path / name).write_text('{"name": "web app"}')
    with pytest.raises(OutputError, match=f"{name} is there and was not written by rgaviz.* -o"):
        ResultsWriter(tmp_path, HEAD).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_foreign_picture_under_our_name_is_refused(tmp_path):
    (tmp_path / "out/pictures").mkdir(parents=True)
    (tmp_path / "out/pictures/0.png").write_text("theirs")
    with pytest.raises(OutputError, match=r"pictures/0\.png is there"):
        write(tmp_path / "out")
    assert contents(tmp_path) == {"out/pictures/0.png": b"theirs"}


def test_a_manifest_cannot_make_us_remove_files_outside_its_folder(tmp_path):
    folder = write(tmp_path / "out")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.tex").write_text("text")
    (folder / "link").symlink_to(tmp_path / "precious")
    absolute = str(tmp_path / "precious/thesis.tex")
    edit(
        folder,
        files=[
            "maps.npz",
            "pictures/0.png",
            "../precious/thesis.tex",
            "link/thesis.tex",
            absolute,
            3,
            "pictures",
            "",
        ],
    )
    write(folder)
    assert (tmp_path / "precious/thesis.tex").read_text() == "text"


def test_places_that_cannot_be_written_are_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file/out"):
        with pytest.raises(OutputError, match=r"Cannot write .* -o") as caught:
            write(folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match=r"Cannot write .*figure\.pdf: .* -o"):
        atomic_write(tmp_path / "file/figure.pdf", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_while_adding_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OutputError, match=r"No space left on device.* -o"):
        write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_atomic_write_takes_bytes_or_a_writer_and_makes_folders(tmp_path):
    atomic_write(tmp_path / "a/b.txt", b"one")
    atomic_write(tmp_path / "a/b.txt", lambda file: file.write(b"two"))
    assert contents(tmp_path) == {"a/b.txt": b"two"}


def test_atomic_write_keeps_the_old_file_when_the_writer_fails(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        atomic_write(tmp_path / "b.txt", fail)
    assert contents(tmp_path) == {"b.txt": b"old"}


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
    edit(folder, schema=3)
    with pytest.raises(ResultsError, match=r"newer rgaviz \(schema 3, this one reads 2.*upgrade"):
        read_results(folder)


PICTURED = {"id": "0", "path": "cats/0.jpg", "size": [2, 3]}
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
        ({"rows": [[{**SHOWN, "map": {**REF, "group": "x"}}]]}, "rows.0.0.map.group: .*'cam' or 'mask'"),
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
        ({"tables": {"x": "../x.csv"}}, "tables.x: leads outside"),
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
    edit(folder, rows=[[{"kind": "pie"}]] * 500)
    with pytest.raises(ResultsError, match=r"rows\.2\.0\.kind: .*; and 497 more") as caught:
        read_results(folder)
    assert len(str(caught.value)) < 700


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


# tables

ROWS = [["name", "value", "count"], ["a, b", 0.1 + 0.2, 3], ["nothing", None, 0]]


def charted(folder):
    with ResultsWriter(folder, {"command": "profile"}) as writer:
        writer.table("cost", ROWS)
    return folder


def test_tables_keep_every_digit_and_need_no_maps(tmp_path):
    folder = charted(tmp_path / "out")
    assert sorted(contents(folder)) == ["manifest.json", "tables/cost.csv"]
    results = read_results(folder)
    assert results.manifest.tables == {"cost": "tables/cost.csv"}
    assert results.manifest.files == ["tables/cost.csv"]
    assert results.table("cost")[1] == ["a, b", "0.30000000000000004", "3"]
    assert results.column("cost", "value", number_or_none) == [0.1 + 0.2, None]
    assert results.records("cost", name=str, count=int) == [
        {"name": "a, b", "count": 3},
        {"name": "nothing", "count": 0},
    ]
    with pytest.raises(ResultsError, match="has no map"):
        results.map("0", "rga", "gradcam")
    assert sorted(contents(write(folder))) == [
        "manifest.json",
        "maps.npz",
        "pictures/0.png",
    ]  # it is replaced


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "is no table"),
        (b"name,value\na\n", "is no table"),
        (b"\xff\xfe", "Cannot read"),
        (b"name,count\na,1\n", "no usable column 'value'"),
        (b"value\nx\n", "no usable column 'value'"),
        (b"value\nnan\n", "no usable column 'value'"),
        (b'value\n""\n', "no usable column 'value'"),
        (None, "Cannot read"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, body, fault):
    folder = charted(tmp_path / "out")
    path = folder / "tables/cost.csv"
    path.unlink() if body is None else path.write_bytes(body)
    with pytest.raises(ResultsError, match=fault):
        read_results(folder).column("cost", "value", number)
    with pytest.raises(ResultsError, match="no table 'growth'"):
        read_results(folder).table("growth")
