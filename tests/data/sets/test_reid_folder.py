"""One's own pictures of people."""

from __future__ import annotations

import shutil

import pytest
from laid_out import lay_out_market, lay_out_reid_folder, save_all, save_noise

from rgaviz.data.sets import load_dataset
from rgaviz.errors import RgavizError


def opened(place, **settings):
    return load_dataset("reid-folder", data_dir=place, image_size=(16, 8), **settings)


def test_either_layout_gives_the_same(tmp_path):
    lay_out_market(tmp_path / "market")
    lay_out_reid_folder(tmp_path / "own")
    market, own = opened(tmp_path / "market"), opened(tmp_path / "own")
    assert market.classes == own.classes == ("3", "5", "9", "1501")
    assert market.notes == own.notes == ()
    for part in ("train", "query", "gallery"):
        one, other = market.part(part), own.part(part)
        assert one.labels.tolist() == other.labels.tolist()
        assert [name.rpartition("/")[2] for name in one.names] == [
            name.rpartition("/")[2] for name in other.names
        ]
    assert own.part("gallery").names[0] == "gallery/0000_c2s1_000901_01.png"


def test_names_by_a_pattern(tmp_path):
    """Of files alone, and those that do not fit are told."""
    save_all(
        tmp_path,
        [
            *(f"train/cam{camera}/cam{camera}_person{person}.png" for person in (4, 12) for camera in (1, 2)),
            "query/0007_c9/cam1_person20.png",
            "gallery/cam2_person20.png",
            "gallery/0007_c9s1_000000_00.png",
        ],
    )
    data = opened(tmp_path, pattern=r"cam(?P<camera>\d+)_person(?P<id>\d+)")
    assert data.classes == ("4", "12")
    query, train = data.part("query"), data.part("train")
    assert (query.labels.tolist(), train.labels.tolist()) == ([20], [1, 0, 1, 0])
    assert query.cameras is not None
    assert train.cameras is not None
    assert (query.cameras.tolist(), train.cameras.tolist()) == ([1], [1, 1, 2, 2])
    (note,) = data.notes
    assert note.startswith("gallery: 1 file is left out, 0007_c9s1_000000_00.png first: ")
    assert "person(?P<id>" in note


def test_a_pattern_is_checked_before_the_folder():
    with pytest.raises(RgavizError, match="no group named id"):
        opened(None, pattern="x")


def test_nothing_to_learn_from_is_enough_to_measure(tmp_path):
    lay_out_reid_folder(tmp_path)
    shutil.rmtree(tmp_path / "train")
    data = opened(tmp_path)
    assert (data.classes, len(data.part("query"))) == ((), 3)
    with pytest.raises(RgavizError, match="no train/ to learn from"):
        data.part("train")


def test_other_folders_are_one_line(tmp_path):
    save_noise(tmp_path / "0001_c1.png", 0)
    save_noise(tmp_path / "train" / "0001_c1.png", 0)
    with pytest.raises(
        RgavizError, match=r"needs the folders train, query and gallery \(or bounding_box_train, "
    ):
        opened(tmp_path)
