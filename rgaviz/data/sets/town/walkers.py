"""Those who walk in the data set ``streets``: the people of ``people``, at any distance."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rgaviz.data.sets.bodies import Figure
from rgaviz.data.sets.generated import Generator, stream
from rgaviz.data.sets.identities import anyone
from rgaviz.data.sets.pedestrians import drawn_pose, figure
from rgaviz.data.sets.town.ids import PERSON
from rgaviz.data.sets.town.view import View

MANY = 512
SOLE = 0.985  # where the feet end, in heights of the body


@lru_cache(maxsize=MANY)
def _anyone(number: int) -> Figure:
    rng = stream("streets", "walker", number)
    return figure(anyone(rng), drawn_pose(rng, rng.uniform(-np.pi, np.pi), rng.uniform(0.7, 1.2)))


def walker(view: View, rng: Generator, x: float, z: float) -> None:
    """Draw a person who stands or walks there."""
    drawn, tall = (
        _anyone(int(rng.integers(MANY))),
        rng.uniform(1.5, 1.9) if rng.random() < 0.9 else rng.uniform(0.9, 1.4),
    )
    outlines = (drawn.outlines * (1, -1) + (0, SOLE)) * tall
    if rng.random() < 0.5:
        outlines = outlines * (-1, 1)
    colours = drawn.colours if rng.random() < 0.7 else drawn.seconds
    light = view.air.lit(0) * rng.uniform(0.7, 1.1)
    view.upright((x, 0, z), outlines, colours * light, PERSON)
