from __future__ import annotations

import numpy as np
import pytest
from label_files import save_grey
from laid_out import save_noise
from laid_out_scenes import SCENE, labels_of, lay_out_cityscapes

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.cityscapes import PUBLISHED
from rgaviz.errors import LONGEST_ERROR, PictureError, RgavizError

# Of the authors' table: number in *_labelIds.png -> class; all others are ignored.
TRAIN_IDS = {
    7: 0,
    8: 1,
    11: 2,
    12: 3,
    13: 4,
    17: 5,
    19: 6,
    20: 7,
    21: 8,
    22: 9,
    23: 10,
    24: 11,
    25: 12,
    26: 13,
}
TRAIN_IDS |= {27: 14, 28: 15, 31: 16, 32: 17, 33: 18}


def load(root, **options):
    return load_dataset("cityscapes", data_dir=root, image_size=(16, 24), **options)


def fault(root, part=None) -> str:
    with pytest.raises(RgavizError) as caught:
        load(root).part(part)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= LONGEST_ERROR
    return message


def labels_path(root, name, kind="labelIds"):
    return root / f"gtFine/{name}_gtFine_{kind}.png"


def test_every_number_stands_for_its_class(tmp_path):
    lay_out_cityscapes(tmp_path)
    values = np.zeros((SCENE[0], SCENE[1]), np.uint8)
    values.ravel()[:256] = np.arange(256)
    save_grey(labels_path(tmp_path, "train/atown/atown_000000_000019"), values)
    data = load(tmp_path)
    (scene,) = data.part("train").whole([0])
    assert scene.name == "train/atown/atown_000000_000019_leftImg8bit.png"
    assert scene.labels.ravel()[:256].tolist() == [TRAIN_IDS.get(number, 255) for number in range(256)]
    assert data.ids == tuple(TRAIN_IDS)
    assert (data.classes[0], data.classes[10], data.classes[18]) == ("road", "sky", "bicycle")
    assert (data.colours[0], data.colours[13]) == ((128, 64, 128), (0, 0, 142))
    assert (len(data.classes), data.task) == (19, "segmentation")


def test_numbers_of_classes_where_they_alone_are_there(tmp_path):
    lay_out_cityscapes(tmp_path, "labelTrainIds")
    data = load(tmp_path)
    (scene,) = data.part("val").whole([2])
    assert (scene.labels == labels_of(104, [0, 1, 18, 255])).all()
    assert data.ids == tuple(TRAIN_IDS)
    path = labels_path(tmp_path, "val/btown/btown_000001_000019", "labelTrainIds")
    save_grey(path, labels_of(101, [0, 19]))
    assert "has the values 0, 19, but there are 19 classes" in fault(tmp_path, "val")
    with pytest.raises(PictureError, match="the values 0, 19"):  # before anything is learned
        load(tmp_path, memory=0).part("val")


def test_both_kinds_of_labels(tmp_path):
    lay_out_cityscapes(tmp_path)
    lay_out_cityscapes(tmp_path, "labelTrainIds")
    (scene,) = load(tmp_path).part("val").whole([0])
    assert set(np.unique(scene.labels)) == {0, 1, 18, 255}


def test_the_part_test_is_not_labelled(tmp_path):
    lay_out_cityscapes(tmp_path)
    split = load(tmp_path).part("test")
    assert not split.labelled
    assert all(scene.labels is None for scene in split.whole(range(3)))
    assert load(tmp_path).part("val").labelled


def test_counts_are_told(tmp_path):
    lay_out_cityscapes(tmp_path)
    (note,) = load(tmp_path).notes
    assert "train has 12, not 2,975; val has 6, not 500; test has 3, not 1,525." in note
    (also,) = load(tmp_path, train_size=2, test_size=1).notes
    assert also == note


def test_the_published_counts_are_not_told(tmp_path, monkeypatch):
    lay_out_cityscapes(tmp_path)
    for part, count in {"train": 12, "val": 6, "test": 3}.items():
        monkeypatch.setitem(PUBLISHED, part, count)
    assert load(tmp_path).notes == ()


def test_the_folder_above(tmp_path):
    lay_out_cityscapes(tmp_path / "cityscapes")
    assert len(load(tmp_path).part("val")) == 6


def test_limits(tmp_path):
    lay_out_cityscapes(tmp_path)
    data, again = (load(tmp_path, train_size=5, test_size=2) for _ in range(2))
    assert [len(data.part(part)) for part in ("train", "val", "test")] == [5, 2, 2]
    assert data.part("train").names == again.part("train").names == sorted(data.part("train").names)
    assert data.part("train").names != load(tmp_path).part("train").names[:5]


def test_pictures_without_labels(tmp_path):
    lay_out_cityscapes(tmp_path)
    for name in ("atown_000002", "btown_000003"):
        labels_path(tmp_path, f"val/{name[:5]}/{name}_000019").unlink()
    message = fault(tmp_path)
    assert message.startswith("2 of 6 pictures have no labels, first ")
    assert "atown_000002_000019_leftImg8bit.png: add gtFine/val/atown/atown_000002" in message


def test_labels_without_pictures(tmp_path):
    lay_out_cityscapes(tmp_path)
    save_grey(labels_path(tmp_path, "val/atown/atown_000009_000019"), np.zeros((4, 4)))
    notes = load(tmp_path).notes
    assert notes[1] == (
        "1 labels have no picture and are left out, first atown_000009_000019_gtFine_labelIds.png."
    )


def test_a_copy_to_measure_on_alone(tmp_path):
    lay_out_cityscapes(tmp_path)
    (tmp_path / "leftImg8bit/train").rename(tmp_path / "leftImg8bit/other")
    data = load(tmp_path)
    assert len(data.part("val")) == 6
    with pytest.raises(RgavizError, match="has no train/ to learn from"):
        data.part("train")


def test_folders_that_are_none(tmp_path):
    assert "--data-dir" in fault(None)
    assert "has no leftImg8bit, no gtFine" in fault(tmp_path)
    (tmp_path / "leftImg8bit/val").mkdir(parents=True)
    (tmp_path / "gtFine").mkdir()
    assert "has no pictures" in fault(tmp_path)
    save_noise(tmp_path / "leftImg8bit/val/atown/x_leftImg8bit.png", 0)
    assert "1 of 1 pictures have no labels" in fault(tmp_path)


def test_labels_of_another_size(tmp_path):
    lay_out_cityscapes(tmp_path)
    save_grey(labels_path(tmp_path, "val/atown/atown_000000_000019"), np.zeros((20, 18)))
    message = fault(tmp_path, "val")
    assert "has 20x18 pixels, but its picture 41x36: give labels of the picture's own size." in message


def test_labels_that_are_cut_off_are_found_before_a_training_that_keeps_none(tmp_path):
    lay_out_cityscapes(tmp_path)
    load(tmp_path, memory=0).part("train")
    path = max((tmp_path / "gtFine/train").rglob("*.png"))
    path.write_bytes(path.read_bytes() + b"more")  # behind its end, which decoders do not mind
    load(tmp_path, memory=0).part("train")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(PictureError, match=f"{path.name}' is damaged"):
        load(tmp_path, memory=0).part("train")
