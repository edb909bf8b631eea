"""From pictures of people by part to labels, limits and notes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from laid_out import save_noise

from rgaviz.data.sets import cuhk03, market, msmt17
from rgaviz.data.sets.crops import Crop
from rgaviz.data.sets.reid import Count, other_counts, reid_dataset, remarks, whole_identities
from rgaviz.errors import RgavizError

SETTINGS = {"image_size": (8, 4), "train_size": None, "test_size": None, "source": "noise"}


def crops(part, *identities, camera=1):
    """A crop of each, by a camera each of its own."""
    return [
        Crop(Path(f"{part}/{index}.png"), identity, camera + index, f"{part}/{index}-{part}.png")
        for index, identity in enumerate(identities)
    ]


def opened(train, query, gallery, notes=(), **settings):
    found = {"train": train, "query": query, "gallery": gallery}
    return reid_dataset(
        "toys", Path("place"), {part: each for part, each in found.items() if each is not None}, notes,
        **{**SETTINGS, **settings},
    )  # fmt: skip


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for part in ("train", "query", "gallery"):
        for index in range(8):
            save_noise(Path(f"{part}/{index}.png"), index, (8, 4))


def test_labels_names_and_cameras(pictures):
    """Training identities are counted by number; those to measure on keep their numbers; junk is gone."""
    data = opened(
        crops("train", 1501, 9, 5, 9, -1, 0, 5),
        crops("query", 1501, -1, 20),
        crops("gallery", 20, 0, -1, 3, 1501, camera=4),
    )
    assert (data.name, data.task, data.classes) == ("toys", "reid", ("5", "9", "1501"))
    train, query, gallery = (data.part(part) for part in ("train", "query", "gallery"))
    assert train.labels.tolist() == [2, 1, 0, 1, 0]
    assert train.cameras is not None
    assert train.cameras.tolist() == [1, 2, 3, 4, 7]
    assert query.labels.tolist() == [1501, 20]
    assert gallery.labels.tolist() == [20, 0, 3, 1501]
    assert gallery.cameras is not None
    assert gallery.cameras.tolist() == [4, 5, 7, 8]
    assert gallery.names == [f"gallery/{index}-gallery.png" for index in (0, 1, 3, 4)]
    assert {labels.dtype for labels in (train.labels, query.labels, gallery.labels)} == {torch.int64}


def test_whole_identities_until_there_are_so_many_pictures():
    train = crops("train", 7, 3, 3, 7, 5, 3)
    for size, kept in {1: [3], 3: [3], 4: [3, 5], 5: [3, 5, 7], 99: [3, 5, 7], None: [3, 5, 7]}.items():
        assert whole_identities(train, size) == [crop for crop in train if crop.identity in kept]
        data = opened(train, crops("query", 1), crops("gallery", 1), train_size=size)
        assert data.classes == tuple(map(str, kept))


def test_query_and_gallery_belong_together():
    with pytest.raises(RgavizError, match=r"toys has a fixed query and gallery.*; drop data\.test_size"):
        opened(crops("train", 1), crops("query", 2), crops("gallery", 2), test_size=10)


@pytest.mark.parametrize(
    ("train", "query", "gallery", "part"),
    [
        ([0, -1], [1], [1], "train"),
        ([1], [-1], [1], "query"),
        ([1], [1], [-1, -2], "gallery"),
    ],
)
def test_a_part_without_people_is_one_line(train, query, gallery, part):
    with pytest.raises(RgavizError, match=rf"nothing but junk or distractors for {part}: add pictures"):
        opened(crops("train", *train), crops("query", *query), crops("gallery", *gallery))


def test_nobody_to_learn_from(pictures):
    """Then networks can be measured, and training is refused when it asks for its part."""
    data = opened(None, crops("query", 1, 2), crops("gallery", 1, 2))
    assert data.classes == ()
    assert len(data.part("gallery")) == 2
    with pytest.raises(RgavizError, match=r"place has no train/ to learn from: add it, or .*rgaviz evaluate"):
        data.part("train")


def notes(train, query, gallery, apart=False):
    found = {"train": train, "query": query, "gallery": gallery}
    kept = {
        part: [crop for crop in each if crop.identity >= (part == "train")] for part, each in found.items()
    }
    return list(remarks(found, kept, apart))


def test_what_is_usual_is_not_told():
    assert notes(crops("train", 1, 1, 2, 2), crops("query", 3, 4), crops("gallery", 3, 4, 0, -1)) == []


QUERY, GALLERY = crops("query", 3), crops("gallery", 3, 3)


@pytest.mark.parametrize(
    ("train", "query", "gallery", "told"),
    [
        (crops("train", 1, 1, 0, -1), QUERY, GALLERY, "train: 2 left out"),
        (crops("train", 1, 1), crops("query", 3, 0), GALLERY, "query: 1 with the number 0"),
        (crops("train", 1, 1, 9, 8), QUERY, GALLERY, "single picture: 2, number 8"),
        (crops("train", 1, 1), QUERY, crops("gallery", 3), "camera 1 alone.*--within-camera"),
        (crops("train", 1, 1, 3, 3), QUERY, GALLERY, "in both: 1, number 3 first"),
        (crops("train", 1, 1), QUERY, [*crops("query", 3, 4), *GALLERY], "same name in both: 1, 0-query"),
    ],
)
def test_what_is_unusual_is_told(train, query, gallery, told):
    (note,) = notes(train, query, gallery)
    assert len(note) <= 300
    assert re.search(told, note)


def test_numbers_of_their_own_may_be_equal():
    train, query, gallery = crops("train", 3, 3), crops("query", 3), crops("gallery", 3, 4)
    assert len(notes(train, query, gallery)) == 1
    assert notes(train, query, gallery, apart=True) == []


def test_other_counts_than_the_published_are_named():
    found = {
        "train": crops("train", 1, 1, 2),
        "query": crops("query", 3),
        "gallery": crops("gallery", 3, 0, 0),
    }
    same = {"train": Count(3, 2), "query": Count(1, 1), "gallery": Count(3, 2)}
    assert list(other_counts("toys", found, same)) == []
    assert list(other_counts("toys", found, {})) == []
    (note,) = other_counts("toys", found, {**same, "train": Count(12936, 751), "gallery": Count(3, 3)})
    assert "train has 3 of 2, not 12,936 of 751; gallery has 3 of 2, not 3 of 3." in note
    assert "query" not in note


def test_every_note_of_counts_is_short():
    class Many(list):
        def __len__(self):
            return 1_000_000

    found = {part: Many(crops(part, *range(1, 99))) for part in ("train", "query", "gallery")}
    every = [market.MARKET1501, market.DUKEMTMC, msmt17.PUBLISHED, *cuhk03.PUBLISHED.values()]
    for published in every:
        (note,) = other_counts("cuhk03-detected", found, published)
        assert len(note) <= 300
        assert published["train"].pictures > published["query"].pictures > 1000
