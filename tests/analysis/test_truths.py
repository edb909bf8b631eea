"""Where the true labels of a picture lie, and how its file is read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from pictures import save_picture

from rgaviz.analysis.inputs import pictures_to_explain
from rgaviz.data.beside import label_file
from rgaviz.data.find import PicturePath
from rgaviz.data.sets.codings import coding_of


@pytest.mark.parametrize(
    ("picture", "labels"),
    [
        ("images/a.jpg", "labels/a.png"),
        ("val/images/x/a.jpeg", "val/labels/x/a.png"),
        ("images/images/a.png", "images/labels/a.png"),
        ("leftImg8bit/val/ulm/u_1_19_leftImg8bit.png", "gtFine/val/ulm/u_1_19_gtFine_labelIds.png"),
        ("leftImg8bit/val/ulm/u_1_19_leftImg8bit.png", "gtFine/val/ulm/u_1_19_gtFine_labelTrainIds.png"),
        ("test/a.png", "testannot/a.png"),
        ("photos/a.png", None),
        ("images/a.jpg", None),
    ],
)
@pytest.mark.parametrize("away", [False, True])
def test_labels_lie_where_data_sets_have_them(tmp_path, monkeypatch, picture, labels, away):
    for name in (picture, labels):
        if name is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path if away else tmp_path.parent)
    path = Path(picture) if away else tmp_path / picture
    found = label_file(PicturePath(path, PurePosixPath(path.name), None), None)
    assert found == (None if labels is None else tmp_path / labels)


def test_a_folder_has_them_by_the_names_of_pictures(tmp_path):
    for name in ("ulm/a.png", "ulm/b_gtFine_labelIds.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name, expected in (
        ("ulm/a.jpg", "ulm/a.png"),
        ("ulm/b_leftImg8bit.png", "ulm/b_gtFine_labelIds.png"),
        ("a.jpg", None),
    ):
        found = label_file(PicturePath(Path("x") / name, PurePosixPath(name), None), tmp_path)
        assert found == (None if expected is None else tmp_path / expected)


def test_a_picture_is_no_label_of_itself(tmp_path):
    picture = tmp_path / "a.png"
    picture.touch()
    assert label_file(PicturePath(picture, PurePosixPath("a.png"), None), tmp_path) is None


def test_files_are_read_as_their_data_set_has_them():
    void = coding_of(Path("a.png"), [str(n) for n in range(11)], "camvid")
    assert (void.table[11], void.allowed()[11], void.allowed()[12]) == (255, True, False)
    plain = coding_of(Path("a.png"), ["x", "y"], "camvid", [7, 8])  # other classes than those of CamVid
    np.testing.assert_array_equal(np.flatnonzero(plain.allowed()), [0, 1, 255])
    ids = coding_of(Path("a_gtFine_labelIds.png"), ["x", "y"], "streets", [7, 33])
    assert [ids.table[number] for number in (7, 33, 0, 1)] == [0, 1, 255, 255]
    numbers = coding_of(Path("a_gtFine_labelTrainIds.png"), ["x", "y"], "streets", [7, 33])
    assert [numbers.table[number] for number in (0, 1, 255)] == [0, 1, 255]


def test_labels_in_a_folder_are_no_pictures(tmp_path):
    for name in ("images/a.png", "images/b.png", "labels/a.png", "other/b.png"):
        save_picture(tmp_path / name)
    said = []
    found = pictures_to_explain([str(tmp_path)], tmp_path / "out", said.append)
    assert [each.relative.as_posix() for each in found] == ["images/a.png", "images/b.png", "other/b.png"]
    assert said == [f"Note: 1 files of labels are no pictures and left out, first {tmp_path}/labels/a.png"]
    named = [str(tmp_path / "images/a.png"), str(tmp_path / "labels/a.png")]
    assert len(pictures_to_explain(named, tmp_path / "out")) == 2
