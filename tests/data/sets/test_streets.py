from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from itertools import product

import cv2
import numpy as np
import pytest

from rgaviz.data.pictures import read_picture
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.sets import load_dataset, load_truth
from rgaviz.data.sets.streets import CLASSES, IDS, names, picture_size, scene, write_streets
from rgaviz.data.sets.town.develop import most_of_four
from rgaviz.errors import RgavizError

CITYSCAPES = re.compile(r"(train|val|test)/([a-z]+)/\2_(\d{6})_000019")  # as its authors describe them
NAME = "train/alder/alder_000000_000019"
IGNORED_IDS = {1, 4, 5}


def scenes(data, part):
    """All scenes of a part, with their labels."""
    split = data.part(part)
    assert isinstance(split, SceneSplit)
    for found in split.whole(range(len(split))):
        assert found.labels is not None
        yield found.name, found.picture, found.labels


# Pictures.


@pytest.mark.parametrize("size", [(32, 64), (33, 65), (128, 256), (96, 96), (64, 32), (50, 333)])
def test_shapes_and_types(size):
    for index in range(6):
        picture, ids = scene(f"oak_{index:06d}_000019", size)
        assert (picture.shape, picture.dtype) == ((*size, 3), np.uint8)
        assert (ids.shape, ids.dtype) == (size, np.uint8)
        assert set(np.unique(ids)) <= {*IDS, *IGNORED_IDS}
        assert len(np.unique(ids)) >= 4


def test_the_size_of_cityscapes():
    picture, ids = scene(NAME, (1024, 2048))
    assert picture.shape == (1024, 2048, 3)
    small = scene(NAME, (128, 256))[1]
    assert (ids[4::8, 4::8] != small).mean() < 0.06


def test_a_name_is_a_picture_in_any_process():
    drawn = [scene(f"{city}_{number:06d}_000019", (64, 128)) for city in ("ash", "yew") for number in (0, 7)]
    digest = hashlib.sha256(b"".join(each.tobytes() for pair in drawn for each in pair)).hexdigest()
    program = (
        "import hashlib\nfrom rgaviz.data.sets.streets import scene\nfrom itertools import product\n"
        "asked = [*product(('ash', 'yew'), (0, 7))][::-1]\n"
        "drawn = [scene(f'{city}_{n:06d}_000019', (64, 128)) for city, n in asked][::-1]\n"
        "print(hashlib.sha256(b''.join(e.tobytes() for pair in drawn for e in pair)).hexdigest())"
    )
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == digest


def test_folders_and_endings_of_names_mean_nothing():
    picture, ids = scene(NAME, (64, 128))
    stem = NAME.rpartition("/")[2]
    for name in (stem, f"a/b/{stem}.png", f"{NAME}_leftImg8bit.png"):
        other, same = scene(name, (64, 128))
        np.testing.assert_array_equal(other, picture)
        np.testing.assert_array_equal(same, ids)


def test_any_size_shows_one_street():
    for index in range(6):
        name = f"elm_{index:06d}_000019"
        (small, few), (large, many) = scene(name, (96, 192)), scene(name, (192, 384))
        assert (cv2.resize(few, (384, 192), interpolation=cv2.INTER_NEAREST) != many).mean() < 0.06
        means = cv2.blur(large, (9, 9))[::2, ::2].astype(int)
        assert np.abs(means - cv2.blur(small, (5, 5)).astype(int)).mean() < 6


def test_no_two_draws_are_alike():
    drawn = [
        scene(f"{city}_{number:06d}_{frame:06d}", (32, 64), seed)[0]
        for city, number, frame, seed in product(("ash", "yew"), (0, 1), (19, 20), (0, 1))
    ]
    assert len(np.unique(np.reshape(drawn, (16, -1)), axis=0)) == 16


def test_of_four_pixels_most_tell_the_label():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (40, 60)).astype(np.uint8)
    found = most_of_four(labels)
    for row, column in product(range(20), range(30)):
        four = labels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        counts = np.bincount(four.ravel())
        assert counts[found[row, column]] == counts.max()


# The data set.


def test_names_are_those_of_cityscapes():
    listed = names()
    everyone = [name for part in listed.values() for name in part]
    assert len(everyone) == len(set(everyone))
    assert {part: len(found) for part, found in listed.items()} == {"train": 500, "val": 100, "test": 100}
    cities = {}
    for part, found in listed.items():
        matches = [match for name in found if (match := CITYSCAPES.fullmatch(name))]
        assert [match[1] for match in matches] == [part] * len(found)
        cities[part] = {match[2] for match in matches}
    assert not cities["train"] & cities["val"]
    assert not cities["test"] & (cities["train"] | cities["val"])
    shorter = names(7, 3)
    assert [len(each) for each in shorter.values()] == [7, 3, 3]
    assert all(listed[part][: len(found)] == found for part, found in shorter.items())


def test_classes_are_those_of_cityscapes():
    published = {7: "road", 8: "sidewalk", 11: "building", 13: "fence", 17: "pole", 20: "traffic sign"}
    published |= {21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 26: "car"}
    assert {number: name for name, number, _ in CLASSES} == published
    assert CLASSES[0] == ("road", 7, (128, 64, 128))
    assert CLASSES[-1] == ("car", 26, (0, 0, 142))


def test_the_data_set_is_as_its_names_say():
    data = load_dataset("streets", image_size=(48, 96), train_size=12, test_size=5)
    assert (data.task, data.name, data.source) == ("segmentation", "streets", "generated")
    assert data.classes == tuple(name for name, _, _ in CLASSES)
    assert data.ids == IDS
    assert len(data.colours) == len(data.classes)
    listed = names(12, 5)
    for part in ("train", "val", "test"):
        assert list(data.part(part).names) == listed[part]
        assert data.part(part).image_size == (48, 96)
        for name, (called, pixels, labels) in zip(listed[part], scenes(data, part), strict=True):
            picture, ids = scene(name, (72, 144))
            assert called == name
            np.testing.assert_array_equal(pixels, picture)
            known = labels != 255
            np.testing.assert_array_equal(known, ~np.isin(ids, [*IGNORED_IDS]))
            np.testing.assert_array_equal(np.array(IDS)[labels[known]], ids[known])


def test_what_does_not_fit_into_memory_is_drawn_when_it_is_due():
    kept, due = (
        load_dataset("streets", image_size=(32, 64), train_size=4, memory=memory) for memory in (None, 0)
    )
    for data, there in ((kept, True), (due, False)):
        split = data.part("train")
        assert isinstance(split, SceneSplit)
        assert split.kept == there
    for one, other in zip(scenes(kept, "train"), scenes(due, "train"), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_array_equal(one[2], other[2])


def test_pictures_are_larger_than_windows():
    assert picture_size((96, 192)) == (144, 288)
    assert picture_size((128, 128)) == (192, 384)
    assert picture_size((64, 400)) == (96, 600)
    assert picture_size((16, 16)) == (32, 64)


def test_truth_has_classes_for_parts():
    truth = load_truth("streets", image_size=(48, 96), test_size=3)
    assert list(truth.names) == names(test_size=3)["test"]
    picture, label = truth.read(1)
    expected, ids = scene(truth.names[1], (72, 144))
    np.testing.assert_array_equal(picture, expected)
    for place, number in enumerate(IDS, start=1):
        np.testing.assert_array_equal(label == place, ids == number)


def test_files_are_cityscapes(tmp_path):
    write_streets(tmp_path / "streets", size=(64, 128), train_size=3, test_size=2)
    data = load_dataset("cityscapes", data_dir=tmp_path / "streets", image_size=(32, 64))
    assert len(list((tmp_path / "streets").rglob("*.png"))) == 14
    for name, pixels, labels in scenes(data, "val"):
        picture, ids = scene(name, (64, 128))
        np.testing.assert_array_equal(pixels, picture)
        known = labels != 255
        np.testing.assert_array_equal(np.array(data.ids)[labels[known]], ids[known])
        np.testing.assert_array_equal(known, ~np.isin(ids, [*IGNORED_IDS]))
    path = tmp_path / "streets" / "leftImg8bit" / f"{NAME}_leftImg8bit.png"
    np.testing.assert_array_equal(read_picture(path), scene(NAME, (64, 128))[0])


# What cannot be.


@pytest.mark.parametrize(
    "name",
    [
        "",
        "streets",
        "alder_0_19",
        "Alder_000000_000019",
        "a-b_000000_000019",
        "alder_000000_000019\n",
        "x" * 5000,
    ],
)
def test_names_of_no_picture_are_refused(name):
    with pytest.raises(RgavizError, match="no picture of streets") as caught:
        scene(name)
    assert len(str(caught.value)) <= 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("size", [(31, 64), (64, 31), (64, 10**6), (0, 64), (-5, 64)])
def test_sizes_that_cannot_be_drawn_are_refused(size):
    with pytest.raises(RgavizError, match="from 32x32 to"):
        scene(NAME, size)


@pytest.mark.parametrize(
    "options",
    [
        {"train_size": -1},
        {"test_size": -1},
        {"image_size": (15, 32)},
        {"image_size": (10**5, 32)},
        {"train_size": 10**12},
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(options):
    with pytest.raises(RgavizError, match="streets"):
        load_dataset("streets", **options)


def test_files_are_not_written_among_others(tmp_path):
    (tmp_path / "mine.txt").touch()
    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(RgavizError, match="name a new one"):
            write_streets(place, train_size=1, test_size=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
