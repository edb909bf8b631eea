from __future__ import annotations

import numpy as np
import pytest
from label_files import save_grey
from laid_out_scenes import labels_of, lay_out_camvid

from rgaviz.data.sets import load_dataset
from rgaviz.errors import LONGEST_ERROR, RgavizError

SEGNET = ("{}/{}.png", "{}annot/{}.png")


def load(root, **options):
    return load_dataset("camvid", data_dir=root, image_size=(16, 24), **options)


def fault(root, part="val") -> str:
    with pytest.raises(RgavizError) as caught:
        load(root).part(part)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= LONGEST_ERROR
    return message


@pytest.mark.parametrize("form", [("{}/images/{}.png", "{}/labels/{}.png"), SEGNET])
@pytest.mark.parametrize("below", [".", "CamVid"])
def test_both_layouts(tmp_path, form, below):
    lay_out_camvid(tmp_path / below, form)
    data = load(tmp_path)
    assert [len(data.part(part)) for part in ("train", "val", "test")] == [12, 6, 3]
    (scene,) = data.part("val").whole([4])
    labels = labels_of(104, list(range(12)))
    assert (scene.labels == np.where(labels == 11, 255, labels)).all()
    assert data.part("val").names[4] == form[0].format("val", "a4")
    assert all(data.part(part).labelled for part in data.parts)


def test_what_is_known(tmp_path):
    lay_out_camvid(tmp_path)
    data = load(tmp_path)
    assert data.classes[:5] == ("sky", "building", "pole", "road", "pavement")
    assert data.classes[5:] == ("tree", "sign", "fence", "car", "pedestrian", "bicyclist")
    assert data.ids == tuple(range(11))
    assert (data.colours[0], data.colours[3], data.colours[10]) == (
        (128, 128, 128),
        (128, 64, 128),
        (0, 128, 192),
    )
    assert "train has 12, not 367; val has 6, not 101; test has 3, not 233." in data.notes[0]


def test_another_number(tmp_path):
    lay_out_camvid(tmp_path)
    save_grey(tmp_path / "val/labels/a0.png", labels_of(100, [0, 11, 12, 255]))
    assert "has the values 0, 11, 12, 255, but there are 11 classes: 11 is void" in fault(tmp_path)


def test_folders_that_are_none(tmp_path):
    assert "--data-dir" in fault(None)
    assert "has neither val/images and val/labels nor val and valannot" in fault(tmp_path)
    (tmp_path / "val/images").mkdir(parents=True)
    (tmp_path / "val/labels").mkdir(parents=True)
    assert "has no pictures" in fault(tmp_path)
    lay_out_camvid(tmp_path)
    (tmp_path / "train/labels/a3.png").unlink()
    message = fault(tmp_path)
    assert "1 of 12 pictures have no labels, first" in message
    assert "add train/labels/a3.png and the like" in message
