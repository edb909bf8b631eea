"""The bodies of the data set ``people``, and the cameras that see them."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import cv2
import numpy as np
import pytest

from rgaviz.data.sets.backdrops import backdrop
from rgaviz.data.sets.bodies import LEGS, Body, Stuff
from rgaviz.data.sets.cameras import CAMERAS, developed
from rgaviz.data.sets.generated import stream
from rgaviz.data.sets.identities import BAGS, HAIRCUTS, LEGWEAR, PATTERNS, identity
from rgaviz.data.sets.pedestrians import Pose, figure, patterned

STANDING = Pose(turn=0, phase=0, swing=0, bend=0.2, raised=0)
WALKING = Pose(turn=0, phase=pi / 2, swing=1, bend=0.4, raised=0)


def painted(drawn):
    """The figure on black, 300 pixels a height, (400, 400, 3); the crown is at (200, 50)."""
    canvas = np.zeros((400, 400, 3), np.uint8)
    for outline, colour in zip(drawn.outlines, drawn.colours, strict=True):
        points = np.rint(outline * 300 + (200, 50)).astype(np.int32)
        cv2.fillPoly(canvas, [points], [int(value) for value in colour])
    return canvas


def silhouette(person, pose):
    return painted(figure(person, pose)).any(axis=2)


def shown(person, pose, colour):
    """How many pixels have a colour that nothing else has."""
    return (painted(figure(person, pose)) == colour).all(axis=2).sum()


@pytest.mark.parametrize("pose", [STANDING, WALKING, replace(WALKING, raised=1, phase=4)])
def test_a_back_is_the_mirror_image_of_a_front(pose):
    for number in range(1, 25):
        for turn in (0, 0.8, pi / 2, 2):
            one = silhouette(identity(number), replace(pose, turn=turn))
            other = silhouette(identity(number), replace(pose, turn=turn + pi))[:, :0:-1]  # about column 200
            assert (one[:, 1:] != other).sum() < 0.05 * one.sum()


@pytest.mark.parametrize(("field", "choices"), [("bag", BAGS), ("haircut", HAIRCUTS), ("legwear", LEGWEAR)])
def test_a_body_is_one_unit_high_and_slim(field, choices):
    for choice in choices:
        person = replace(identity(3), build=1.24, **{field: choice})
        for turn in np.linspace(0, 2 * pi, 7):
            rows, columns = np.nonzero(silhouette(person, replace(WALKING, turn=turn)))
            assert 0.93 < np.ptp(rows) / 300 < 1.03
            assert 0.15 < np.ptp(columns) / 300 < 0.66


def test_a_stride_is_wide_from_the_side():
    person = replace(identity(3), legwear="trousers", bag="none")
    front, side = (silhouette(person, replace(WALKING, turn=turn))[250:] for turn in (0, pi / 2))
    assert np.ptp(np.nonzero(side)[1]) > 1.5 * np.ptp(np.nonzero(front)[1])
    standing = silhouette(person, replace(STANDING, turn=pi / 2))[250:]
    assert np.ptp(np.nonzero(side)[1]) > 2 * np.ptp(np.nonzero(standing)[1])


def test_backpacks_are_seen_from_behind_and_bags_on_their_side():
    pink = (255, 0, 255)
    person = replace(identity(3), bag_colour=pink, side=1)
    backpack = replace(person, bag="backpack")
    assert shown(backpack, replace(STANDING, turn=pi), pink) > 2 * shown(backpack, STANDING, pink) > 0
    for bag in ("crossbody", "handbag"):
        front = (painted(figure(replace(person, bag=bag), replace(STANDING, turn=0.0))) > (254, -1, 254)).all(
            2
        )
        assert np.nonzero(front)[1].mean() > 210  # their left is on our right
    assert shown(replace(person, bag="none"), STANDING, pink) == 0


def test_faces_look_at_us_and_skirts_show_legs():
    pink = (255, 0, 255)
    person = replace(identity(3), skin=pink, legwear="trousers", haircut="short", sleeves=True)
    face, back = (shown(person, replace(STANDING, turn=turn), pink) for turn in (0, pi))
    assert face > back + 200
    shades = [painted(figure(replace(person, legwear=each), STANDING))[250:] for each in LEGWEAR]
    bare = [((picture[..., 0] > 150) & (picture[..., 1] == 0)).sum() for picture in shades]
    assert min(bare[1:]) > bare[0]


def test_a_rod_is_all_within_its_radius():
    for turn in (0, 1, 2.5):
        body = Body(turn)
        body.rod((0.1, 0.2, 0.3), (-0.1, 0.5, 0), (0.04, 0.04), Stuff((1, 2, 3), LEGS), 0)
        one, other = (np.array(body.seen(point)[:2]) for point in ((0.1, 0.2, 0.3), (-0.1, 0.5, 0)))
        along = other - one
        for corner in body.figure().outlines[0]:
            nearest = one + np.clip((corner - one) @ along / (along @ along), 0, 1) * along
            assert np.hypot(*(corner - nearest)) == pytest.approx(0.04)


def test_patterns_are_of_the_upper_clothes_alone():
    x, y = np.linspace(-0.2, 0.2, 81)[None], np.linspace(0.15, 0.5, 71)[:, None]
    shares = {}
    for pattern in PATTERNS:
        person = replace(identity(3), pattern=pattern, bag="none", upper=(255, 0, 0), second=(0, 255, 0))
        where = patterned(person, x, y)
        shares[pattern] = None if where is None else np.broadcast_to(where, (71, 81)).mean()
        drawn = figure(person, STANDING)
        second = (drawn.colours != drawn.seconds).any(axis=1)
        assert set(drawn.parts[second]) <= {2}
        assert (drawn.seconds[second] >= (0, 170, 0)).all()
        assert (drawn.seconds[second] <= (0, 255, 0)).all()  # lit or in the shade
    assert [name for name, share in shares.items() if share is None] == ["plain", "open"]
    assert all(0.3 < share < 0.6 for share in shares.values() if share is not None)


def test_cameras_have_light_and_places_of_their_own():
    grey = np.full((128, 64, 3), 120, np.uint8)
    light = []
    for camera in CAMERAS.values():
        shots = [developed(grey, camera, stream("shot", index))[0].mean((0, 1)) for index in range(20)]
        light.append(np.mean(shots, axis=0))
    red, _, blue = np.transpose(light)
    assert blue[3] > red[3] + 15
    assert red[4] > blue[4] + 15
    assert np.ptp(np.mean(light, axis=1)) > 30
    places = [backdrop(number, seed, stream("place")) for number in CAMERAS for seed in (0, 1)]
    assert len(np.unique(np.reshape(places, (12, -1)), axis=0)) == 12
    assert {place.shape for place in places} == {(256, 128, 3)}
