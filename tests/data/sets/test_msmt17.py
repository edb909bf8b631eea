"""MSMT17 by its lists."""

from __future__ import annotations

import os

import pytest
from laid_out import lay_out_msmt17

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.msmt17 import VERSIONS
from rgaviz.errors import RgavizError

FIRST = "0000/0000_000_14_0303morning_0015_0.jpg"


def opened(place):
    return load_dataset("msmt17", data_dir=place, image_size=(16, 8))


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions(tmp_path, version):
    """Training and validation are learned from; people are counted from 1, for 0 is a distractor."""
    lay_out_msmt17(tmp_path / f"MSMT17_{version}", VERSIONS[version])
    for place in (tmp_path, tmp_path / f"MSMT17_{version}"):
        data = opened(place)
        assert data.source == f"image files, {version}"
        assert data.classes == ("1", "2", "3", "4")
        train, query, gallery = (data.part(part) for part in ("train", "query", "gallery"))
        assert train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
        assert query.labels.tolist() == [1, 2, 3]
        assert gallery.labels.tolist() == [1, 1, 2, 2, 3]
        assert gallery.cameras is not None
        assert gallery.cameras.tolist() == [15, 16, 15, 16, 15]
        assert train.names[0] == f"{VERSIONS[version][0]}/{FIRST}"
        learned, counts = data.notes  # and nothing of numbers in training and test alike
        assert learned.startswith("msmt17 learns from list_train.txt and list_val.txt together")
        assert "train has 12 of 4, not 32,621 of 1,041" in counts


def test_without_validation(tmp_path):
    lay_out_msmt17(tmp_path)
    (tmp_path / "list_val.txt").unlink()
    data = opened(tmp_path)
    assert len(data.part("train")) == 9
    assert data.notes[0] == "msmt17 has no list_val.txt here, so it learns from list_train.txt alone."


def test_both_versions_in_one_folder_must_be_told_apart(tmp_path):
    for version, folders in VERSIONS.items():
        lay_out_msmt17(tmp_path / version, folders)
    with pytest.raises(RgavizError, match=r"both versions of MSMT17: name the folder of one"):
        opened(tmp_path)
    assert opened(tmp_path / "V1").source == "image files, V1"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_list_is_named(tmp_path, version):
    lay_out_msmt17(tmp_path, VERSIONS[version])
    (tmp_path / "list_query.txt").unlink()
    with pytest.raises(RgavizError, match=r"has no list_query\.txt: give the folder of msmt17"):
        opened(tmp_path)


def test_missing_pictures_are_counted(tmp_path):
    """Of all lists of a part together."""
    lay_out_msmt17(tmp_path)
    for name in (FIRST, "0003/0003_001_15_0303morning_0015_0.jpg"):
        (tmp_path / "train" / name).unlink()
    with pytest.raises(
        RgavizError,
        match=rf"list_train\.txt and list_val\.txt in .* name 2 pictures .* train/{FIRST} first: copy",
    ):
        opened(tmp_path)


def test_names_without_a_camera_are_told(tmp_path):
    lay_out_msmt17(tmp_path)
    (tmp_path / "test" / FIRST).rename(tmp_path / "test" / "0000" / "anna.jpg")
    lines = (tmp_path / "list_query.txt").read_text().splitlines()
    (tmp_path / "list_query.txt").write_text("\n".join(["0000/anna.jpg 0", *lines[1:], "", " "]))
    data = opened(tmp_path)
    assert len(data.part("query")) == 2
    assert any(
        note.startswith("list_query.txt: 1 file is left out, test/0000/anna.jpg") for note in data.notes
    )


@pytest.mark.parametrize(
    "line", ["x.jpg", "x.jpg one", "7", "/etc/x.jpg 1", "../x.jpg 1", "a\0b.jpg 1", "x" * 9000, "é 1x"]
)
def test_a_damaged_line_is_named(tmp_path, line):
    lay_out_msmt17(tmp_path)
    text = (tmp_path / "list_gallery.txt").read_text()
    (tmp_path / "list_gallery.txt").write_bytes(f"{text}{line}\n".encode("latin-1"))
    with pytest.raises(
        RgavizError, match=r"Line 6 of .*list_gallery\.txt is .*: copy the list again"
    ) as caught:
        opened(tmp_path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value).replace(str(tmp_path), "")) <= 300


def test_what_is_no_list_is_one_line(tmp_path):
    lay_out_msmt17(tmp_path)
    (tmp_path / "list_query.txt").unlink()
    (tmp_path / "list_query.txt").mkdir()
    with pytest.raises(RgavizError, match=r"list_query\.txt cannot be read"):
        opened(tmp_path)
    if hasattr(os, "mkfifo"):
        (tmp_path / "list_query.txt").rmdir()
        os.mkfifo(tmp_path / "list_query.txt")
        with pytest.raises(RgavizError, match=r"list_query\.txt cannot be read \(is no regular file\)"):
            opened(tmp_path)
