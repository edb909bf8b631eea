"""Colours of classes, where a data set has none of its own."""

from __future__ import annotations

# Okabe and Ito's, then those that stay farthest from all before, for normal and for protan and deutan eyes.
APART = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (86, 180, 233),
    (240, 228, 66),
    (0, 0, 255),
    (119, 0, 17),
    (0, 255, 153),
    (51, 34, 170),
    (85, 34, 85),
    (221, 238, 238),
    (51, 119, 255),
    (238, 17, 85),
    (204, 170, 85),
    (34, 51, 136),
    (170, 17, 0),
    (170, 255, 119),
    (102, 153, 255),
)


def default_colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """RGB of so many classes, at most 255: no two alike, the first 20 easily told apart.

    Those beyond are PASCAL VOC's, by the bits of their numbers.
    """
    more = [each for each in map(_by_bits, range(1, 256)) if each not in APART]
    return (*APART, *more)[:count]


def _by_bits(number: int) -> tuple[int, int, int]:
    """The bits 0, 3, 6 of a number are red's highest ones, 1, 4, 7 green's, 2, 5 blue's."""
    red, green, blue = (
        sum((number >> (3 * place + channel) & 1) << (7 - place) for place in range(3))
        for channel in range(3)
    )
    return red, green, blue
