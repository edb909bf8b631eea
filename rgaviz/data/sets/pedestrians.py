"""The people of the data set ``people`` in a pose: their limbs, clothes, hair and bags."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from rgaviz.data.sets.bodies import (
    ABOVE,
    BEHIND,
    BELOW,
    FRONT,
    HEAD,
    LEGS,
    MIDDLE,
    TORSO,
    Body,
    Figure,
    Point,
    Stuff,
)
from rgaviz.data.sets.generated import Generator
from rgaviz.data.sets.identities import Identity

HANDBAG, BACKPACK, CROSSBODY = np.array([
    [[0, 0.012, 0.01], [0.012, 0.045, 0.06], [0.05, 0.055, 0.075], [0.09, 0.06, 0.08], [0.125, 0.06, 0.08],
     [0.13, 0.05, 0.07]],
    [[0, 0.05, 0.03], [0.015, 0.075, 0.05], [0.08, 0.088, 0.06], [0.16, 0.088, 0.06], [0.225, 0.084, 0.055],
     [0.24, 0.06, 0.03]],
    [[0, 0.03, 0.06], [0.01, 0.04, 0.08], [0.04, 0.042, 0.085], [0.08, 0.045, 0.085], [0.11, 0.045, 0.08],
     [0.12, 0.03, 0.06]],
])  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """How a person is seen to walk.

    Attributes:
        turn: radians; 0 faces us, pi/2 looks to our right, pi shows the back.
        phase: of the walk, radians.
        swing: length of the step, 1 is a brisk walk, 0 stands.
        bend: of the elbows, radians.
        raised: the arm that is lifted to the head: 1 the left one, -1 the right one, 0 none.
    """

    turn: float
    phase: float
    swing: float
    bend: float
    raised: int


def drawn_pose(rng: Generator, turn: float, stride: float) -> Pose:
    """Any pose of someone who walks, or in some pictures stands."""
    phase, stands, length, bend, lifts = rng.random(5)
    return Pose(
        turn=turn,
        phase=phase * 2 * pi,
        swing=0.1 if stands < 0.2 else stride * (0.5 + 0.5 * length),
        bend=0.15 + 0.6 * bend,
        raised=1 if lifts < 0.06 else -1 if lifts < 0.12 else 0,
    )


def figure(person: Identity, pose: Pose) -> Figure:
    """The polygons of a person in a pose."""
    body = Body(pose.turn)
    for side in (1, -1):
        _leg(body, person, pose, side)
        _arm(body, person, pose, side)
    _skirt(body, person)
    _trunk(body, person)
    _head(body, person)
    _hair(body, person)
    _bag(body, person)
    return body.figure()


def _leg(body: Body, person: Identity, pose: Pose, side: int) -> None:
    thigh = 0.42 * pose.swing * sin(pose.phase) * side  # angles of thigh and shank with the vertical
    shank = thigh - 0.12 - 0.5 * pose.swing * max(0.0, -cos(pose.phase) * side)
    hip = (side * 0.046 * person.build, 0.49, 0.0)
    knee = (side * 0.048 * person.build, 0.49 + 0.245 * cos(thigh), 0.245 * sin(thigh))
    ankle = (side * 0.045 * person.build, knee[1] + 0.225 * cos(shank), knee[2] + 0.225 * sin(shank))
    toe = (ankle[0] * 1.15, ankle[1] + 0.02, ankle[2] + 0.055)
    near = body.near(hip)
    shade = 1.0 if near > 0.02 else 0.72 if near < -0.02 else 0.9
    cloth, skin = Stuff(person.lower, LEGS), Stuff(person.skin, LEGS)
    long = person.legwear == "trousers"
    width = 0.9 + 0.1 * person.build
    body.rod(ankle, toe, (0.024, 0.018), Stuff(person.shoes, LEGS), BELOW, shade)
    body.rod(knee, ankle, (0.042 * width, 0.03 if long else 0.022), cloth if long else skin, BELOW, shade)
    covered = person.legwear in ("trousers", "shorts")
    body.rod(hip, knee, (0.056 * person.build, 0.047 * width), cloth if covered else skin, BELOW + 0.1, shade)


def _skirt(body: Body, person: Identity) -> None:
    if person.legwear not in ("skirt", "gown"):
        return
    hem, flare = (0.68, 0.115) if person.legwear == "skirt" else (0.88, 0.14)
    wide = np.linspace(0.085, flare, 6) * person.build
    levels = np.stack([np.linspace(0.42, hem, 6), wide, wide * 0.85], 1)
    body.column(levels, Stuff(person.lower, LEGS), BELOW + 0.5)


def _trunk(body: Body, person: Identity) -> None:
    build = person.build
    hem = (0.655, 0.118 * build, 0.1 * build) if person.coat else (0.505, 0.102 * build, 0.075 * build)
    levels = np.array([
        [0.155, 0.04, 0.035],
        [0.185, 0.067 + 0.045 * build, 0.055],
        [0.26, 0.112 * build, 0.078 * build],
        [0.38, 0.092 * build, 0.068 * build],
        [0.47, 0.100 * build, 0.074 * build],
        hem,
    ])  # fmt: skip
    body.column(levels, Stuff(person.upper, TORSO, person.second), MIDDLE)
    if person.pattern == "open" and body.cosine > 0.1:  # the shirt between the halves of a jacket
        shirt = levels * (1, 0.34 * body.cosine, 0)
        body.column(shirt, Stuff(person.second, TORSO), MIDDLE + 0.1, at=(0, 0, 0.07 * build))


def _arm(body: Body, person: Identity, pose: Pose, side: int) -> None:
    upper = -0.4 * pose.swing * sin(pose.phase) * side  # angles with the vertical
    lower = upper + (2.5 if side == pose.raised else pose.bend)
    shoulder = (side * (0.05 + 0.062 * person.build), 0.2, 0.0)
    out = shoulder[0] + side * 0.022
    elbow = (out, 0.2 + 0.15 * cos(upper), 0.15 * sin(upper))
    hand = (out - side * 0.012, elbow[1] + 0.14 * cos(lower), elbow[2] + 0.14 * sin(lower))
    layer, shade = (BEHIND, 0.7) if body.near(shoulder) < -0.04 else (ABOVE, 0.86)
    thick = 0.85 + 0.15 * person.build
    sleeve = Stuff(person.upper, TORSO, None if person.pattern == "open" else person.second)
    skin = Stuff(person.skin, TORSO)
    body.rod(elbow, hand, (0.027 * thick, 0.019), sleeve if person.sleeves else skin, layer, shade)
    body.rod(hand, hand, (0.021, 0.021), skin, layer + 0.01, shade)
    body.rod(shoulder, elbow, (0.038 * thick, 0.031 * thick), sleeve, layer + 0.02, shade)
    if side == person.side and person.bag == "handbag":
        body.column(HANDBAG, Stuff(person.bag_colour, TORSO), layer + 0.05, at=hand)


def _head(body: Body, person: Identity) -> None:
    skin, hair = Stuff(person.skin, HEAD), _hair_of(person)
    body.rod((0, 0.12, -0.005), (0, 0.175, -0.01), (0.03, 0.033), skin, MIDDLE + 0.2, 0.85)
    body.rod((0, 0.055, -0.006), (0, 0.082, -0.006), (0.055, 0.05), hair, ABOVE + 0.5)
    if body.cosine > -0.35:
        wide = 0.0315 + 0.0105 * max(body.cosine, 0.0)
        body.rod((0, 0.075, 0.02), (0, 0.105, 0.022), (wide, wide * 0.85), skin, ABOVE + 0.6)
    if person.haircut == "cap":
        body.rod((0, 0.05, 0.03), (0, 0.058, 0.08), (0.03, 0.022), hair, ABOVE + 0.7, 0.8)
        body.rod((0, 0.04, 0), (0, 0.045, 0), (0.053, 0.055), hair, ABOVE + 0.75)


def _hair_of(person: Identity) -> Stuff:
    """What covers the head."""
    colour = {"hood": person.upper, "bald": person.skin}.get(person.haircut, person.hair)
    return Stuff(colour, HEAD)


def _hair(body: Body, person: Identity) -> None:
    """What hangs from the head."""
    hair, layer = _hair_of(person), BEHIND if body.cosine > 0 else ABOVE + 0.4
    if person.haircut == "long":
        body.rod((0, 0.08, -0.02), (0, 0.2, -0.04), (0.06, 0.062), hair, layer)
    elif person.haircut == "ponytail":
        body.rod((0, 0.05, -0.05), (0, 0.19, -0.085), (0.026, 0.018), hair, layer)
    elif person.haircut == "hood":
        body.rod((0, 0.1, -0.02), (0, 0.165, -0.03), (0.05, 0.065), hair, layer, 0.85)


def _bag(body: Body, person: Identity) -> None:
    """What hangs from the shoulders."""
    stuff = Stuff(person.bag_colour, TORSO)
    if person.bag == "backpack":
        layer = BEHIND + 0.5 if body.cosine > -0.15 else ABOVE + 0.3
        body.column(BACKPACK, stuff, layer, at=(0, 0.185, -0.1))
        if body.cosine > 0.1:  # its straps
            _strap(body, (0.066, 0.18, 0.05), (0.074, 0.36, 0.06), stuff)
            _strap(body, (-0.066, 0.18, 0.05), (-0.074, 0.36, 0.06), stuff)
    elif person.bag == "crossbody":
        side, front = person.side, 0.06 if body.cosine > 0 else -0.06
        _strap(body, (-side * 0.07, 0.18, front), (side * 0.105 * person.build, 0.46, front), stuff)
        at = (side * 0.13 * person.build, 0.44, -0.01)
        body.column(CROSSBODY, stuff, BEHIND if body.near(at) < -0.04 else FRONT, at=at)


def _strap(body: Body, one: Point, other: Point, stuff: Stuff) -> None:
    body.rod(one, other, (0.0125, 0.0125), stuff, MIDDLE + 0.15)


def patterned(person: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Where what is worn above has its second colour, of places in heights of the body; None where nowhere.

    Args:
        person: who wears it.
        x: (1, W) right of the middle.
        y: (H, 1) below the crown.

    Returns:
        Bool, of a shape that broadcasts to (H, W).
    """
    match person.pattern:
        case "stripes":
            return np.sin(y * (2 * pi / 0.075)) > 0
        case "bars":
            return np.sin(x * (2 * pi / 0.06)) > 0.1
        case "checks":
            return np.sin(y * (2 * pi / 0.1)) * np.sin(x * (2 * pi / 0.1)) > 0
        case "yoke":
            return y < 0.29
        case "hem":
            return y > 0.36
        case _:
            return None
