"""The parts of the person in pictures of the data set ``people``."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest

from rgaviz.data.sets.cameras import CAMERAS
from rgaviz.data.sets.identities import identity
from rgaviz.data.sets.people import names, parts_of
from rgaviz.data.sets.shots import Shot


def test_parts_are_there_and_in_order():
    listed = names()["train"][::9]
    rows = np.arange(128)[:, None]
    for name in listed:
        parts = parts_of(name)
        head, torso, legs = (parts == part for part in (1, 2, 3))
        assert 0.08 < (parts > 0).mean() < 0.6
        assert torso.sum() > head.sum() > 8
        height = {part: (rows * mask).sum() / mask.sum() for part, mask in ((1, head), (2, torso))}
        assert height[1] < height[2]
        if legs.sum() > 20:  # not those who stand behind a bush
            assert height[2] < (rows * legs).sum() / legs.sum()


def colours(number):
    person = identity(number)
    return {
        person.skin,
        person.hair,
        person.upper,
        person.second,
        person.lower,
        person.shoes,
        person.bag_colour,
    }


@pytest.mark.parametrize("camera", range(1, 7))
def test_the_mask_is_where_the_person_is(camera):
    """One scene with two persons in turn: it differs in their masks and nowhere else."""
    inside = []
    pair = next(pair for pair in combinations(range(1, 50), 2) if not set.intersection(*map(colours, pair)))
    for index in range(10):
        canvases = [Shot(number, camera, f"scene {index}")._drawn() for number in pair]
        scenes = [canvas.scene(behind).astype(int) for canvas, behind in canvases]
        masks = [canvas.mask() > 0 for canvas, _ in canvases]
        changed = (scenes[0] != scenes[1]).any(axis=2)
        either = (masks[0] | masks[1]).astype(np.uint8)
        assert not changed[cv2.dilate(either, np.ones((3, 3), np.uint8)) == 0].any()
        inside.append(changed[masks[0] & masks[1]].mean())
    assert np.mean(inside) > 0.97


def test_what_covers_a_person_is_not_of_them(monkeypatch):
    for camera, seen in CAMERAS.items():
        shots = [Shot(5, camera, f"scene {index}") for index in range(6)]
        masks = []
        for covered in (0.0, 1.0):
            monkeypatch.setitem(CAMERAS, camera, replace(seen, covered=covered))
            masks.append(np.array([shot.parts() for shot in shots]))
        free, behind = masks
        assert (
            (behind == free) | (behind == 0)
        ).mean() > 0.999  # along the edge of a cover another part may win
        assert (behind > 0).sum() < 0.97 * (free > 0).sum()
