"""CUHK03 from the authors' release and the new protocol, or from folders."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pytest
import torch
from cuhk03_files import RED, SIZE, picture, write_protocol, write_release
from laid_out import lay_out_cuhk03

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.cuhk03_mat import Cell, read_cell
from rgaviz.data.splits import DiskSplit, MemorySplit
from rgaviz.errors import PictureError, RgavizError

PROTOCOL = "cuhk03_new_protocol_config_labeled.mat"


@pytest.fixture
def release(tmp_path):
    """As one unpacks them."""
    write_release(tmp_path / "cuhk03" / "cuhk03_release" / "cuhk-03.mat")
    write_protocol(tmp_path / "cuhk03" / PROTOCOL)
    return tmp_path / "cuhk03"


def opened(place, **settings):
    return load_dataset("cuhk03-labeled", data_dir=place, **{"image_size": SIZE, **settings})


def test_the_red_corner_is_at_the_top_left(release):
    pixels = read_cell(
        Cell(release / "cuhk03_release" / "cuhk-03.mat", "detected", 2, 3, 6, "2_003_2_06.png")
    )
    assert (pixels.shape, pixels.dtype) == ((*SIZE, 3), np.uint8)
    assert tuple(pixels[0, 0]) == RED
    np.testing.assert_array_equal(pixels, picture(2, 3, 6))


@pytest.mark.parametrize("above", [False, True])
def test_the_protocol_says_who_is_where(release, above):
    data = opened(release.parent if above else release)
    assert (data.source, data.classes) == ("cuhk-03.mat", ("1", "5"))
    train, query, gallery = (data.part(part) for part in ("train", "query", "gallery"))
    assert isinstance(train, MemorySplit)
    assert train.labels.tolist() == [0] * 4 + [1] * 4
    assert train.cameras is not None
    assert train.cameras.tolist() == [1, 1, 2, 2] * 2
    assert train.names[2] == "labeled/1_001_2_06.png"
    np.testing.assert_array_equal(train.images[2].numpy(), picture(1, 1, 6))
    assert query.labels.tolist() == [2, 2, 3, 3, 4, 4, 6, 6, 7, 7, 8, 8]
    np.testing.assert_array_equal(gallery.images[1].numpy(), picture(1, 2, 7))
    (note,) = data.notes
    assert "train has 8 of 2, not 7,368 of 767" in note


def test_what_does_not_fit_into_memory_is_read_by_workers(release):
    data, disk = opened(release), opened(release, memory=0, workers=2)
    split = disk.part("query")
    assert isinstance(split, DiskSplit)
    (images,) = split.select([torch.arange(12)])
    memory = data.part("query")
    assert isinstance(memory, MemorySplit)
    assert torch.equal(images, memory.images)
    small = opened(release, image_size=(6, 3)).part("query")
    assert small.image_size == (6, 3)


def test_folders_are_taken_as_they_are(tmp_path):
    """Those of the kind asked for, from the folder above, the one of both kinds or of one."""
    lay_out_cuhk03(tmp_path / "cuhk03-np", "labeled")
    lay_out_cuhk03(tmp_path / "cuhk03-np", "detected")
    (tmp_path / "cuhk03-np" / "detected" / "query" / "0002_c1s1_000900_00.png").unlink()
    for place in (tmp_path, tmp_path / "cuhk03-np"):
        assert len(load_dataset("cuhk03-labeled", data_dir=place).part("query")) == 3
        assert len(load_dataset("cuhk03-detected", data_dir=place).part("query")) == 2
    data = load_dataset("cuhk03-labeled", data_dir=tmp_path / "cuhk03-np" / "labeled")
    assert (data.source, data.classes) == ("image files", ("3", "5", "9", "1501"))


def test_what_is_missing_is_named(release):
    with pytest.raises(
        RgavizError, match=r"put cuhk03_new_protocol_config_detected\.mat beside it, from https://"
    ):
        load_dataset("cuhk03-detected", data_dir=release)
    write_release(release / "cuhk03_release" / "cuhk-03.mat", ("detected",))
    with pytest.raises(RgavizError, match=r"no CUHK03 release, or damaged"):
        opened(release)
    (release / "cuhk03_release" / "cuhk-03.mat").unlink()
    with pytest.raises(
        RgavizError, match=r"has neither labeled/bounding_box_train, .* nor cuhk-03\.mat: give"
    ):
        opened(release)


def test_pictures_that_the_release_does_not_have_are_counted(release):
    names = np.empty((4, 1), object)
    names[:, 0] = ["1_001_1_01.png", "1_001_1_03.png", "1_005_1_01.png", "3_001_1_01.png"]
    write_protocol(
        release / PROTOCOL, filelist=names, labels=np.arange(4), train_idx=np.array([1]), query_idx=np.array([2, 3]),
        gallery_idx=np.array([4]),
    )  # fmt: skip
    with pytest.raises(
        RgavizError, match=r"names 3 pictures that .* does not have, 1_001_1_03\.png first: copy both"
    ):
        opened(release)


def test_h5py_is_asked_for_where_it_is_needed(release, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(RgavizError, match=r'needs h5py to be read: pip install "rgaviz\[cuhk03\]"'):
        opened(release)


@pytest.mark.parametrize(
    "changed",
    [
        {"train_idx": np.array([99])},
        {"train_idx": np.array([0])},
        {"labels": np.arange(3)},
        {"labels": np.array(["x"] * 32)},
        {"filelist": np.zeros((32, 1), object)},
        {"filelist": np.array(["../1_001_1_01.png"] * 32, object)},
    ],
)
def test_a_damaged_protocol_is_one_line(release, changed):
    write_protocol(release / PROTOCOL, **changed)
    with pytest.raises(RgavizError, match=r"copy it again") as caught:
        opened(release)
    assert len(str(caught.value).replace(str(release), "")) <= 300


@pytest.mark.parametrize("damaged", [0, 1], ids=["protocol", "release"])
def test_files_cut_short_or_of_another_kind_are_one_line(release, damaged):
    """Bytes changed at random are beyond reach: the C libraries that read both files do not check all they read."""
    files = (release / PROTOCOL, release / "cuhk03_release" / "cuhk-03.mat")
    path, other = files[damaged], files[1 - damaged].read_bytes()
    whole = path.read_bytes()
    cut = [whole[: len(whole) * tenth // 10] for tenth in range(10)]
    for content in (*cut, whole[:-1], whole[1:], b"text", other):
        path.write_bytes(content)
        with pytest.raises(RgavizError, match=r"damaged \(.*\): copy it again") as caught:
            opened(release)
        assert len(str(caught.value).replace(str(release), "")) <= 300


def test_what_is_no_picture_in_the_release_is_one_line(release):
    path = release / "cuhk03_release" / "cuhk-03.mat"
    cell = Cell(path, "labeled", 1, 1, 1, "1_001_1_01.png")
    for values in (
        np.zeros((4, 6, 12), np.uint8),
        np.zeros((3, 6, 12), np.float32),
        np.zeros((3, 6), np.uint8),
    ):
        with h5py.File(path, "r+") as file:
            del file["#refs#/labeled1-1-1"]
            table = file["#refs#/labeled1"]
            assert isinstance(table, h5py.Dataset)
            table[0, 0] = file.create_dataset("#refs#/labeled1-1-1", data=values).ref
        with pytest.raises(
            PictureError, match=r"1_001_1_01\.png in .* no picture \(3, W, H\): copy the file again"
        ):
            read_cell(cell)
    with pytest.raises(PictureError, match="cannot be read"):
        read_cell(cell._replace(person=99))
    with h5py.File(path, "r+") as file:
        del file["#refs#/labeled1-1-1"]
        table = file["#refs#/labeled1"]
        assert isinstance(table, h5py.Dataset)
        huge = file.create_dataset("#refs#/labeled1-1-1", (3, 10**5, 10**5), np.uint8, chunks=(3, 64, 64))
        table[0, 0] = huge.ref
    with pytest.raises(PictureError, match="million pixels"):
        read_cell(cell)
