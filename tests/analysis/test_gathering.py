"""One pass over a data set: what is kept does not grow with it, and what is odd about masks is told."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rgaviz.analysis.gathering import gather, together
from rgaviz.analysis.grouped import Grouped
from rgaviz.analysis.mask_tables import channel_rows, summary
from rgaviz.analysis.statistics import _tell
from rgaviz.analysis.subject import load_subjects, with_masks
from rgaviz.explain.statistics import mask_numbers


def fake(count, size=(16, 16), groups=4):
    """Pictures of one value each."""
    return Grouped(
        "fake",
        ("test",),
        "made up",
        (),
        "class",
        [str(each) for each in range(groups)],
        np.arange(count) % groups,
        lambda number: {(16, 16): np.full((*size, 3), number % 256, np.uint8)},
    )


def test_memory_does_not_grow_with_the_pictures(networks):
    subjects = [with_masks(each, "all") for each in load_subjects([networks["channel"]], torch.device("cpu"))]

    def peak(count):
        tracemalloc.start()
        gather(subjects, fake(count, (96, 96)), range(count), threshold=0.5)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(16)
    assert peak(320) < peak(64) + 2**20  # 256 pictures alone have 7 MB


def test_mean_pictures(networks):
    subjects = [
        with_masks(each, "conv5") for each in load_subjects([networks["channel"]], torch.device("cpu"))
    ]
    found = gather(subjects, fake(8), range(8), threshold=0.5)
    assert [int(found.mean_picture(each).mean()) for each in range(4)] == [2, 3, 4, 5]
    assert found.mean_picture(None).mean() == 4  # 3.5, to even
    assert found.counts.tolist() == [2, 2, 2, 2, 0]


def stub(masks):
    """What gives these masks batch by batch, in place of a network."""
    given = iter(masks)
    return SimpleNamespace(
        id="net",
        checkpoint=SimpleNamespace(
            path="net.pt", image_size=(16, 16), inputs=lambda images: torch.zeros(1, 3, 16, 16)
        ),
        explain=lambda inputs: SimpleNamespace(masks=next(given)),
    )


def test_masks_that_are_not_finite_or_zero_everywhere_are_told():
    draw = np.random.default_rng(0)
    masks = draw.random((8, 5)).astype(np.float32)
    masks[2, 1] = np.nan
    masks[5] = 0
    found = gather([stub([{"a/channel": masks}])], fake(8), range(8), threshold=0.5)
    sound = np.delete(masks, 2, 0)
    (row, *_) = summary(found)
    assert row["pictures"] == 7
    assert row["mean"] == pytest.approx(sound.mean())
    assert row["entropy"] == pytest.approx(
        mask_numbers({"a/channel": np.delete(sound, 4, 0)})["a/channel"].numbers["entropy"].mean()
    )
    notes = []
    _tell(found, notes.append)
    assert notes == [
        "Note: net: 1 of 8 masks a/channel are not finite and are left out.",
        "Note: net: 1 of 7 masks a/channel are zero everywhere: no entropy, no centre.",
    ]


def test_maps_of_several_sizes_have_the_mean_at_the_size_of_the_first():
    wide = np.tile(np.linspace(0, 1, 8), (16, 4, 1))
    narrow = np.full((4, 4, 4), 0.25)
    found = gather([stub([{"a/spatial": wide}, {"a/spatial": narrow}])], fake(20), range(20), threshold=0.5)
    (row, *_) = summary(found)
    tally = together(found.tallies["net", "a/spatial"])
    np.testing.assert_allclose(tally.values.mean, (16 * wide[0] + 4 * 0.25) / 20, rtol=1e-6)
    assert row["area"] == pytest.approx(16 / 20 / 2)
    notes = []
    _tell(found, notes.append)
    assert notes == [
        "Note: net: masks a/spatial are of several sizes; their mean is at the size of the first one."
    ]


def test_rounding_leads_no_mean_beyond_a_mask():
    masks = np.full((8, 3), 1 + 4e-4, np.float16)
    found = gather([stub([{"a/channel": masks}])], fake(8), range(8), threshold=0.5)
    _, *rows = channel_rows(found, range(4))
    assert {value for row in rows for value in (row[3], *row[-4:])} == {1.0}
