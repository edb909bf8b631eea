"""What is where in pictures: labels of data sets and of folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from laid_out_scenes import lay_out_camvid, lay_out_cityscapes, lay_out_scenes
from pictures import save_picture
from PIL import Image

from rgaviz.data.find import find_pictures
from rgaviz.data.sets import TRUTHS, load_dataset, load_people, load_shapes, load_truth
from rgaviz.data.sets.people import picture, write_people
from rgaviz.data.sets.shapes import generate
from rgaviz.data.truth import folder_truth, read_label
from rgaviz.errors import PictureError, RgavizError, UnknownNameError


def save_label(path, values, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(values, np.uint8))
    if mode == "P":
        image = image.convert("P")
        image.putpalette([200, 0, 0, 0, 200, 0] + [9] * 762)
        image.putdata(np.asarray(values).ravel().tolist())
    image.save(path)
    return path


def opened(tmp_path, **more):
    return folder_truth(find_pictures([tmp_path / "pics"]), tmp_path / "labels", **more)


def one(tmp_path, values, size=(4, 6), **more):
    save_picture(tmp_path / "pics/a.jpg", size)
    save_label(tmp_path / "labels/a.png", values)
    return opened(tmp_path, **more)


LABEL = np.arange(24).reshape(4, 6) % 3


def test_the_pictures_of_people_are_those_a_network_is_measured_on():
    truth = load_truth("people", image_size=(32, 16), test_size=6)
    data = load_people(image_size=(128, 64), train_size=2, test_size=6)
    images = np.concatenate([data.part(part).images.numpy() for part in ("query", "gallery")])
    names = [*data.part("query").names, *data.part("gallery").names]
    assert list(truth.names) == names
    assert truth.regions == {
        "person": (1, 2, 3),
        "head": (1,),
        "torso": (2,),
        "legs": (3,),
        "background": (0,),
    }
    for place in (0, len(names) - 1):
        seen, label = truth.read(place)
        np.testing.assert_array_equal(seen, images[place])
        np.testing.assert_array_equal(label, picture(names[place])[1])


def test_the_pictures_of_shapes_are_those_a_network_is_measured_on():
    truth = load_truth("shapes", image_size=(24, 32), test_size=12)
    data = load_shapes(image_size=(24, 32), train_size=0, test_size=12)
    masks = generate(12, (24, 32), split="test").masks
    assert truth.regions == {"object": (1,), "background": (0,)}
    assert [data.classes[label] for label in data.part("test").labels] == truth.shows
    for place in range(12):
        seen, label = truth.read(place)
        np.testing.assert_array_equal(seen, data.part("test").images[place])
        np.testing.assert_array_equal(label, masks[place])


def test_sets_without_parts():
    assert set(TRUTHS) == {"camvid", "cityscapes", "people", "scenes", "shapes", "streets"}
    with pytest.raises(UnknownNameError, match="'cifar10'"):
        load_truth("cifar10", image_size=(32, 32))


@pytest.mark.parametrize(
    ("name", "lay_out", "count"),
    [("scenes", lay_out_scenes, 4), ("camvid", lay_out_camvid, 11), ("cityscapes", lay_out_cityscapes, 19)],
)
def test_classes_of_scenes_are_parts(tmp_path, name, lay_out, count):
    """Of the pictures that are measured on; a value more than the class, for 0 is what does not count."""
    lay_out(tmp_path)
    truth = load_truth(name, image_size=(16, 16), data_dir=tmp_path)
    data = load_dataset(name, image_size=(16, 16), data_dir=tmp_path)
    assert tuple(truth.parts) == data.classes
    assert len(truth.regions) == count + 2
    assert truth.whole == "labelled"
    assert list(truth.names) == list(data.part("val").names)
    assert (list(truth.notes), len(truth.files)) == (list(data.notes), 12)
    for place, scene in enumerate(data.part("val").whole(range(6))):
        picture, seen = truth.look(place)
        np.testing.assert_array_equal(picture, scene.picture)
        np.testing.assert_array_equal(seen.label, np.where(scene.labels == 255, 0, scene.labels + 1.0))
    fewer = load_truth(name, image_size=(16, 16), data_dir=tmp_path, test_size=2)
    assert list(fewer.names) == list(
        load_dataset(name, image_size=(16, 16), data_dir=tmp_path, test_size=2).part("val").names
    )


def test_folders_of_data_sets(tmp_path):
    with pytest.raises(RgavizError, match="--data-dir"):
        load_truth("cityscapes", image_size=(16, 16))
    with pytest.raises(RgavizError, match="people is generated and reads no folder"):
        load_truth("people", image_size=(16, 16), data_dir=tmp_path)
    lay_out_scenes(tmp_path)
    for part in ("val", "test"):
        shutil.rmtree(tmp_path / part)
    truth = load_truth("scenes", image_size=(16, 16), data_dir=tmp_path, held_out=0.5)
    assert len(truth.names) == 6


def test_a_folder_of_numbered_labels(tmp_path):
    truth = one(tmp_path, LABEL)
    assert truth.regions == {"foreground": (1, 2), "part 1": (1,), "part 2": (2,), "background": (0,)}
    assert list(truth.names) == ["a.jpg"]
    seen, label = truth.read(0)
    assert seen.shape == (4, 6, 3)
    np.testing.assert_array_equal(label, LABEL)


def test_names_of_values(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/classes.txt").write_text("nothing\ndog\ncat\nbird\n\n", encoding="utf-8")
    truth = one(tmp_path, LABEL)
    assert truth.regions == {
        "foreground": (1, 2, 3),
        "dog": (1,),
        "cat": (2,),
        "bird": (3,),
        "background": (0,),
    }


def test_masks_in_black_and_white(tmp_path):
    save_picture(tmp_path / "pics/b.png", (4, 6))
    save_label(tmp_path / "labels/b.png", np.zeros((4, 6)))
    truth = one(tmp_path, (LABEL == 1) * 255)
    assert truth.regions == {"object": (1,), "background": (0,)}
    np.testing.assert_array_equal(truth.read(0)[1], LABEL == 1)
    assert not truth.read(1)[1].any()


def test_labels_lie_as_their_pictures_or_side_by_side(tmp_path):
    for name in ("x/a", "y/a", "z/b"):
        save_picture(tmp_path / f"pics/{name}.jpg", (4, 6))
    save_label(tmp_path / "labels/x/a.png", LABEL)
    save_label(tmp_path / "labels/y/a.png", LABEL[::-1])
    save_label(tmp_path / "labels/b.png", LABEL * 0)
    save_picture(tmp_path / "pics/z/c.jpg", (4, 6))
    told = []
    truth = opened(tmp_path, say=told.append)
    assert list(truth.names) == ["x/a.jpg", "y/a.jpg", "z/b.jpg"]
    assert truth.shows == ["x", "y", "z"]
    np.testing.assert_array_equal(truth.read(1)[1], LABEL[::-1])
    assert told == [f"Note: 1 of 4 pictures have no label in {tmp_path / 'labels'}."]


def test_the_masks_that_people_are_written_with(tmp_path):
    write_people(tmp_path, train_size=2, test_size=2)
    truth = folder_truth(find_pictures([tmp_path / "query"]), tmp_path / "masks")
    own = load_truth("people", image_size=(128, 64), test_size=2)
    np.testing.assert_array_equal(truth.read(0)[1], own.read(0)[1])
    assert len(truth.parts) == 3


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_label_is_read_as_numbers(tmp_path, mode):
    np.testing.assert_array_equal(read_label(save_label(tmp_path / "a.png", LABEL, mode)), LABEL)


def test_labels_of_other_depths(tmp_path):
    Image.fromarray(LABEL.astype(np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label(tmp_path / "a.png"), LABEL)
    Image.fromarray(LABEL == 1).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_label(tmp_path / "b.png"), LABEL == 1)


def test_a_large_label_is_sampled(tmp_path):
    label = np.zeros((1500, 2100), np.uint8)
    label[:, 700:] = 1
    found = read_label(save_label(tmp_path / "a.png", label))
    assert found.shape == (500, 700)
    assert found.mean() == pytest.approx(label.mean(), abs=2e-3)
    assert read_label(save_label(tmp_path / "b.png", label[:, :1])).size > 0


def damaged(path):
    path.write_bytes(path.read_bytes()[:40])


def coloured(path):
    Image.new("RGB", (6, 4)).save(path)


def deep(path):
    Image.fromarray(np.full((4, 6), 300, np.uint16)).save(path)


def no_png(path):
    Image.new("L", (6, 4)).save(path, format="BMP")


@pytest.mark.parametrize("spoil", [damaged, coloured, deep, no_png])
def test_labels_that_are_none(tmp_path, spoil):
    truth = one(tmp_path, LABEL)
    spoil(tmp_path / "labels/a.png")
    with pytest.raises(PictureError, match=r"a\.png' .*: (export|save)") as caught:
        truth.read(0)
    assert "\n" not in str(caught.value)


def test_labels_of_another_picture(tmp_path):
    truth = one(tmp_path, np.tile(LABEL, (1, 2)))
    with pytest.raises(PictureError, match="4x12 pixels, but its picture 4x6"):
        truth.read(0)
    (tmp_path / "labels/classes.txt").write_text("nothing\ndog\n")
    with pytest.raises(PictureError, match="the value 2, but there are names for 0 to 1"):
        one(tmp_path, LABEL).read(0)


FAULTS = {
    "no folder": (lambda folder: (folder / "labels").rename(folder / "x"), "is not a folder"),
    "no label": (lambda folder: (folder / "labels/a.png").rename(folder / "labels/b.png"), "such as a.png"),
    "nothing": (lambda folder: save_label(folder / "labels/a.png", LABEL * 0), "labels of 0 parts"),
    "too many": (lambda folder: save_label(folder / "labels/a.png", LABEL * 100), "labels of 200 parts"),
    "twice": (lambda folder: (folder / "labels/classes.txt").write_text("a\nb\nb"), "one twice"),
    "taken": (lambda folder: (folder / "labels/classes.txt").write_text("a\nbackground"), "one twice"),
    "gap": (lambda folder: (folder / "labels/classes.txt").write_text("a\n\nb"), "an empty name"),
    "bytes": (lambda folder: (folder / "labels/classes.txt").write_bytes(b"\xff"), "cannot be read"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_folders_that_say_nothing(tmp_path, fault):
    spoil, words = FAULTS[fault]
    one(tmp_path, LABEL)
    spoil(tmp_path)
    with pytest.raises(RgavizError, match=words) as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) - len(str(tmp_path / "labels")) < 300
    assert isinstance(tmp_path, Path)
