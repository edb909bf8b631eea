"""The results folder: what is written is read, nothing half-written stays, others' files stay."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from stored import HEAD, MAP, PICTURE, REF, contents, edit, entry, row, write

from rgaviz.errors import OutputError
from rgaviz.outputs import record_files
from rgaviz.results.manifest import MapRef, Panel, Swatch
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter
from rgaviz.writing import atomic_write


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


CLASSES = [{"name": "road", "colour": [128, 64, 128]}, {"name": "sky", "colour": [70, 130, 180]}]


def labelled(folder, labels, errors):
    shown = {"kind": "labels", "picture": "0", "map": {**REF, "name": "labels", "group": "labels"}}
    with ResultsWriter(folder, {**HEAD, "classes": [Swatch(**each) for each in CLASSES]}) as writer:
        writer.picture(entry(), PICTURE, {"rga/labels": labels, "rga/errors": errors})
        writer.row([Panel(**{**shown, "map": MapRef(**shown["map"])})])
    return folder


def test_labels_are_whole_numbers_and_need_schema_3(tmp_path):
    labels, errors = np.array([[0, 1, 255], [1, 1, 0]], np.uint8), np.array([[0, 1, 255]] * 2, np.uint8)
    folder = labelled(tmp_path / "out", labels, errors)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["schema"], manifest["classes"]) == (3, CLASSES)
    with np.load(folder / "maps.npz") as archive:
        assert archive["0/rga/labels"].dtype == np.uint8
    results = read_results(folder)
    for found, wanted in (
        (results.labels("0", "rga", "labels"), labels),
        (results.errors("0", "rga", "errors"), errors),
    ):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted)
    assert [(each.name, each.colour) for each in results.manifest.classes] == [
        (each["name"], each["colour"]) for each in CLASSES
    ]


def test_results_without_labels_are_as_earlier_versions_read_them(tmp_path):
    manifest = json.loads((write(tmp_path / "out") / "manifest.json").read_bytes())
    assert manifest["schema"] == 2
    assert "classes" not in manifest
    edit(tmp_path / "out", schema=3)  # which may have none, too
    assert read_results(tmp_path / "out").manifest.classes == []
