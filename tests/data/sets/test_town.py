"""How the streets of the data set ``streets`` are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from rgaviz.data.sets.generated import stream
from rgaviz.data.sets.town.cars import KINDS, Car, draw_car
from rgaviz.data.sets.town.ids import CAR, FENCE, POLE, ROAD, SKY
from rgaviz.data.sets.town.view import Lens, View, wall
from rgaviz.data.sets.town.weather import Weather

CLEAR = Weather(
    zenith=np.array((80.0, 120.0, 200.0)),
    horizon=np.array((200.0, 200.0, 200.0)),
    cloud=np.full(3, 255.0),
    clouds=0.0,
    sight=1e9,
    side=1,
    sun=0.0,
    gain=np.ones(3),
    lamps=0.0,
    blur=1.0,
    grain=0.0,
)
STRAIGHT = Lens(x=0.0, height=1.5, focal=1.0, ahead=1.0, horizon=0.5, roll=0.0, bend=0.0, climb=0.0)
RED, GREEN = np.array((200.0, 0.0, 0.0)), np.array((0.0, 200.0, 0.0))


def view(air=CLEAR, lens=STRAIGHT):
    """A picture of 64x128 pixels, so a canvas of 128x256."""
    return View((64, 128), lens, air, stream("test"))


def board(z, left=-1.0, bottom=0.5, right=1.0, top=2.5):
    """A rectangle (1, 4, 3) that faces us."""
    return wall((0, 0, z), (1, 0, 0), np.array([(left, bottom, right, top)]))


def place(canvas, label):
    """First and last row and column of a label, in pixels of the canvas."""
    rows, columns = np.nonzero(canvas[..., 3] == label)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_places_are_seen_as_through_a_pinhole():
    """At 4 m a metre is a quarter of the picture's height, 32 pixels of the canvas; the eye is 1.5 m high."""
    seen = view()
    seen.faces(board(4), RED[None], POLE)
    seen.draw()
    np.testing.assert_allclose(place(seen.canvas, POLE), (32, 96, 96, 160), atol=1)
    assert set(np.unique(seen.canvas[..., 3])) == {SKY, POLE}
    assert (seen.canvas[seen.canvas[..., 3] == POLE][:, :3] == RED).all()


def test_the_lens_moves_what_is_seen():
    moved = STRAIGHT._replace(x=1.0, ahead=1.25, horizon=0.25)  # a metre left, 32 right; 32 up
    seen = view(lens=moved)
    seen.faces(board(4), RED[None], POLE)
    seen.draw()
    np.testing.assert_allclose(place(seen.canvas, POLE), (0, 64, 96, 160), atol=1)
    bent = view(lens=STRAIGHT._replace(bend=0.0625, climb=-0.0625))  # of 4 m squared: 1 m right, 1 m down
    bent.faces(board(4), RED[None], POLE)
    bent.draw()
    np.testing.assert_allclose(place(bent.canvas, POLE), (64, 127, 128, 192), atol=1)


def test_what_comes_later_covers_what_was_there():
    seen = view()
    seen.faces(np.concatenate([board(8), board(4, right=0.0)]), np.stack([RED, GREEN]), POLE)
    seen.alike(board(2, left=0.9, right=1.0), GREEN, ROAD)
    seen.draw()
    middle = seen.canvas[64]
    assert middle[124, :3].tolist() == GREEN.tolist()
    assert middle[136, :3].tolist() == RED.tolist()
    assert middle[186].tolist() == [*GREEN, ROAD]


def test_what_is_seen_through_keeps_its_colours():
    seen = view()
    seen.faces(board(8), RED[None], POLE)
    seen.draw()
    before = seen.canvas.copy()
    seen.seen_through(board(4), FENCE)
    seen.draw()
    np.testing.assert_array_equal(seen.canvas[..., :3], before[..., :3])
    np.testing.assert_allclose(place(seen.canvas, FENCE), (32, 96, 96, 160), atol=1)


def test_shadows_take_light_and_no_label():
    seen = view()
    seen.faces(board(4, bottom=-5, top=1.5, left=-9, right=9), np.full((1, 3), 100.0), ROAD)
    seen.draw()
    before = seen.canvas.copy()
    seen.shade(np.array([[(-1, 0, 3), (1, 0, 3), (1, 0, 5), (-1, 0, 5)]], float))
    seen.fall(0.5)
    np.testing.assert_array_equal(seen.canvas[..., 3], before[..., 3])
    assert seen.canvas[112, 128, :3].tolist() == [50, 50, 50]
    np.testing.assert_array_equal(seen.canvas[:64], before[:64])


def test_air_takes_two_thirds_of_a_colour_at_sight():
    seen = view(air=CLEAR._replace(sight=4.0))
    seen.faces(board(4), RED[None], POLE)
    seen.draw()
    expected = 200 + (RED - 200) * np.exp(-1)
    assert np.abs(seen.canvas[64, 128, :3] - expected).max() <= 1


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("turn", [0.0, 0.7, np.pi / 2, 2.5, np.pi, -1.2])
def test_cars_cover_their_size_and_show_their_end(kind, turn):
    """All that is drawn lies within the box around a car, and fills most of its middle; rear lights are red."""
    seen, car = view(), Car(KINDS[kind], GREEN, 0.5, 9.0, turn)
    draw_car(seen, car)
    seen.draw()
    length, width, height = car.kind.size
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (0, 1) for z in (-1, 1)]) * (
        width / 2,
        height,
        length / 2,
    )
    across = 0.5 + corners[:, 0] * np.cos(turn) + corners[:, 2] * np.sin(turn)
    ahead = 9.0 - corners[:, 0] * np.sin(turn) + corners[:, 2] * np.cos(turn)
    columns, rows = 128 + 128 * across / ahead, 64 + 128 * (1.5 - corners[:, 1]) / ahead
    top, bottom, left, right = place(seen.canvas, CAR)
    assert rows.min() - 2 <= top
    assert bottom <= rows.max() + 2
    np.testing.assert_allclose((left, right), (columns.min(), columns.max()), atol=4)
    middle = seen.canvas[(top + bottom) // 2, left + 6 : right - 6, 3]
    assert (middle == CAR).all()
    lights = (seen.canvas[..., 0] > 150) & (seen.canvas[..., 1] < 60) & (seen.canvas[..., 3] == CAR)
    if abs(turn) < 1:
        assert lights.any()
    if abs(turn) > 2:
        assert not lights.any()
