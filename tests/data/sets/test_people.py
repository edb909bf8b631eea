from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest
import torch

from rgaviz.data.pictures import read_picture
from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.identities import identity
from rgaviz.data.sets.people import names, names_of, parts_of, picture, write_people
from rgaviz.errors import RgavizError

MARKET = re.compile(r"(\d{4})_c(\d)s(\d)_(\d{6})_(\d{2})\.jpg")  # as its authors describe them
NAME = "0002_c1s1_000451_00.jpg"


def who(name):
    """Identity and camera."""
    found = MARKET.fullmatch(name.rpartition("/")[2])
    return int(found[1]), int(found[2])


# Pictures.


def test_shapes_and_types():
    for size in ((128, 64), (256, 128), (32, 32), (50, 33)):
        image, parts = picture(NAME, size)
        assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
        assert (parts.shape, parts.dtype) == (size, np.uint8)
        assert set(np.unique(parts)) == {0, 1, 2, 3}
        np.testing.assert_array_equal(parts, parts_of(NAME, size))


@pytest.mark.slow
def test_a_name_is_a_picture_in_any_process():
    drawn = [picture(f"{number:04d}_c{camera}s1_000000_00.jpg") for number in (0, 7) for camera in (2, 5)]
    digest = hashlib.sha256(b"".join(each.tobytes() for pair in drawn for each in pair)).hexdigest()
    program = (
        "import hashlib\nfrom rgaviz.data.sets.people import picture\nfrom itertools import combinations, product\n"
        "drawn = [picture(f'{n:04d}_c{c}s1_000000_00.jpg') for n, c in reversed([*product((0, 7), (2, 5))])][::-1]\n"
        "print(hashlib.sha256(b''.join(e.tobytes() for pair in drawn for e in pair)).hexdigest())"
    )
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == digest


def test_folders_and_endings_of_names_mean_nothing():
    image, parts = picture(NAME)
    for name in (f"query/{NAME}", f"a/0005_c3s1_000000_00/{NAME}", NAME.replace(".jpg", ".png"), NAME[:-4]):
        other, same = picture(name)
        np.testing.assert_array_equal(other, image)
        np.testing.assert_array_equal(same, parts)


def test_any_size_shows_one_scene():
    for number in range(1, 9):
        name = f"{number:04d}_c{number % 6 + 1}s1_000000_00.jpg"
        (image, parts), (small, few), (_, many) = (
            picture(name, size) for size in ((128, 64), (64, 32), (256, 128))
        )
        means = image.reshape(64, 2, 32, 2, 3).mean(axis=(1, 3))
        assert np.abs(means - small).max() <= 0.5 + 1e-6
        assert (cv2.resize(parts, (32, 64), interpolation=cv2.INTER_NEAREST) != few).mean() < 0.06
        assert (cv2.resize(parts, (128, 256), interpolation=cv2.INTER_NEAREST) != many).mean() < 0.03


def test_no_two_draws_are_alike():
    pictures = [
        picture(f"{number:04d}_c{camera}s{sequence}_000000_00.jpg", seed=seed)[0]
        for number, camera, sequence, seed in product((0, 1, 2), (1, 4), (1, 2), (0, 1))
    ]
    assert len(np.unique(np.reshape(pictures, (24, -1)), axis=0)) == 24


def test_a_seed_draws_other_people():
    assert identity(1) != identity(1, seed=1)
    assert names() != names(seed=1)


# People and cameras.


def test_many_wear_the_same_colours_and_nobody_is_another():
    persons = [identity(number) for number in range(1, 161)]
    colours = Counter((each.upper, each.lower) for each in persons)
    assert sum(count for count in colours.values() if count >= 5) > 120
    assert len({replace(each, build=1, stride=1) for each in persons}) == 160


# The data set.


def test_names_are_those_of_market1501():
    listed = names()
    everyone = [name for part in listed.values() for name in part]
    assert len(everyone) == len(set(everyone))
    assert all(MARKET.fullmatch(name) for name in everyone)
    assert {part: len(found) for part, found in listed.items()} == {
        "train": 1120,
        "query": 284,
        "gallery": 502,
    }
    numbers = {part: {who(name)[0] for name in found} for part, found in listed.items()}
    assert [len(numbers[part]) for part in ("train", "query", "gallery")] == [100, 60, 61]
    assert not numbers["train"] & (numbers["query"] | numbers["gallery"])
    assert numbers["gallery"] - numbers["query"] == {0}
    assert sum(who(name)[0] == 0 for name in listed["gallery"]) == 60


def test_every_query_has_a_match_in_another_camera():
    listed = names()
    seen = {who(name) for name in listed["gallery"]}
    queries = [who(name) for name in listed["query"]]
    assert len(set(queries)) == len(queries)  # one for each person and camera
    assert set(queries) == {pair for pair in seen if pair[0]}
    for number, camera in queries:
        assert any((number, other) in seen for other in range(1, 7) if other != camera)


def test_cameras_see_people_two_or_three_times():
    for number in range(1, 50):
        tracks = names_of(number)
        assert 3 <= len(tracks) <= 6
        assert {len(track) for track in tracks} <= {2, 3}
        for track in tracks:
            assert {who(name) for name in track} == {(number, who(track[0])[1])}


def test_sizes_are_of_whole_identities_and_prefixes():
    whole, part = names(), names(train_size=200, test_size=100)
    assert 200 <= len(part["train"]) < 218
    assert set(part["train"]) < set(whole["train"])
    distractors = sum(who(name)[0] == 0 for name in part["gallery"])
    assert 100 <= len(part["query"]) + len(part["gallery"]) - distractors < 118
    assert set(part["gallery"]) < set(whole["gallery"])
    fewest = names(train_size=0, test_size=1)
    assert [len({who(name)[0] for name in fewest[part]} - {0}) for part in ("train", "query")] == [2, 2]
    assert len({who(name)[0] for name in names(train_size=3000)["train"]}) > 100


def test_the_data_set_is_as_its_names_say():
    data = load_dataset("people", image_size=(32, 16), train_size=60, test_size=40)
    listed = names(60, 40)
    for part, folder in (
        ("train", "bounding_box_train"),
        ("query", "query"),
        ("gallery", "bounding_box_test"),
    ):
        split = data.part(part)
        assert list(split.names) == [f"{folder}/{name}" for name in listed[part]]
        numbers, cameras = zip(*map(who, listed[part]), strict=True)
        assert split.cameras.tolist() == list(cameras)
        labels = (
            [int(data.classes[label]) for label in split.labels] if part == "train" else split.labels.tolist()
        )
        assert labels == list(numbers)
        np.testing.assert_array_equal(split.images[3].numpy(), picture(listed[part][3], (32, 16))[0])
    assert sorted(map(int, data.classes)) == list(map(int, data.classes))
    assert (data.task, data.name, data.source) == ("reid", "people", "generated")


def test_mean_and_deviation_are_those_of_the_pictures():
    data = load_dataset("people", image_size=(128, 64), train_size=300)
    values = data.part("train").images.float() / 255
    np.testing.assert_allclose(data.mean, values.mean((0, 1, 2)), atol=0.02)
    np.testing.assert_allclose(data.std, values.std((0, 1, 2)), atol=0.02)


def test_parts_are_drawn_when_asked_for_with_progress():
    calls = []

    def track(items, *, total, description):
        calls.append((total, description))
        return items

    data = load_dataset("people", image_size=(32, 16), train_size=20, test_size=20, track=track)
    assert calls == []
    query = data.part("query")
    assert calls == [(len(query), "drawing images")]


def test_files_are_the_data_set(tmp_path):
    sizes = {"train_size": 30, "test_size": 30}
    write_people(tmp_path / "people", **sizes)
    made = load_dataset("people", image_size=(128, 64), **sizes)
    read = load_dataset("market1501", data_dir=tmp_path, image_size=(128, 64))
    assert made.classes == read.classes
    for part in ("train", "query", "gallery"):
        ours, theirs = made.part(part), read.part(part)
        assert list(ours.names) == list(theirs.names)
        assert torch.equal(ours.labels, theirs.labels)
        assert torch.equal(ours.cameras, theirs.cameras)
        assert (
            ours.images.int() - theirs.images.int()
        ).abs().max() <= 2  # two programs decode the JPEG files
        for name in ours.names:
            mask = tmp_path / "people" / "masks" / f"{name.partition('/')[2][:-4]}.png"
            np.testing.assert_array_equal(read_picture(mask)[..., 0], parts_of(name))
    assert len([*(tmp_path / "people" / "masks").iterdir()]) == sum(
        len(made.part(part)) for part in made.parts
    )


# What cannot be.


@pytest.mark.parametrize(
    "name",
    [
        "",
        "people",
        "-1_c1s1_000451_00.jpg",
        "0002_c7s1_000451_00.jpg",
        "0002_c0s1_000451_00.jpg",
        "0002_c1s1_000451_00.jpg\n",
        "٠٠٠٢_c1s1_000451_00.jpg",
        "x" * 5000,
    ],
)
def test_names_of_no_picture_are_refused(name):
    for draw in (picture, parts_of):
        with pytest.raises(RgavizError, match="no picture of people") as caught:
            draw(name)
        assert len(str(caught.value)) <= 300
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "options",
    [
        {"train_size": -1},
        {"test_size": -1},
        {"image_size": (15, 32)},
        {"train_size": 10**12},
        {"test_size": 10**12},
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(options):
    with pytest.raises(RgavizError, match=r"people|pictures"):
        load_dataset("people", **options)


def test_files_are_not_written_among_others(tmp_path):
    (tmp_path / "mine.txt").touch()
    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(RgavizError, match="name a new one"):
            write_people(place, train_size=1, test_size=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
