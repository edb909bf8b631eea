"""Who walks through the data set ``people``: what stays the same of a person from camera to camera."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from rgaviz.data.sets.generated import Generator, stream

Colour = tuple[int, int, int]  # RGB, 0..255
Choice = TypeVar("Choice")

# Few colours for many people, so that several wear the same ones above and below.
BLACK, WHITE, GREY = (36, 36, 40), (222, 220, 214), (126, 128, 132)
RED, BLUE, GREEN = (170, 44, 48), (48, 78, 150), (62, 118, 76)
JEANS, KHAKI = (66, 84, 122), (168, 146, 108)
UPPER: tuple[Colour, ...] = (BLACK, WHITE, GREY, RED, BLUE, GREEN)
LOWER: tuple[Colour, ...] = (BLACK, JEANS, GREY, KHAKI)
BAG: tuple[Colour, ...] = (BLACK, RED, BLUE, KHAKI, (128, 84, 52))
HAIR: tuple[Colour, ...] = ((28, 24, 24), (84, 56, 38), (186, 150, 90), (150, 148, 146))
SKIN: tuple[Colour, ...] = ((232, 192, 166), (206, 156, 122), (150, 104, 76), (96, 64, 48))
SHOES: tuple[Colour, ...] = (BLACK, WHITE, (110, 70, 44))

PATTERNS = ("plain", "stripes", "bars", "checks", "yoke", "hem", "open")
HAIRCUTS = ("short", "long", "ponytail", "bald", "cap", "hood")
BAGS = ("none", "backpack", "crossbody", "handbag")
LEGWEAR = ("trousers", "shorts", "skirt", "gown")


@dataclass(frozen=True)
class Identity:
    """The traits of one person.

    Attributes:
        build: width of the body, 1 is average.
        stride: length of a step, 1 is average.
        skin: colour.
        hair: colour; of the cap for that haircut.
        haircut: one of ``HAIRCUTS``.
        upper: colour of what is worn above.
        pattern: one of ``PATTERNS``, on it.
        second: colour of the pattern.
        sleeves: whether they are long.
        coat: whether it reaches down to the thighs.
        lower: colour of what is worn below.
        legwear: one of ``LEGWEAR``.
        shoes: colour.
        bag: one of ``BAGS``.
        bag_colour: its colour.
        side: 1 where a bag hangs on the person's left, else -1.
    """

    build: float
    stride: float
    skin: Colour
    hair: Colour
    haircut: str
    upper: Colour
    pattern: str
    second: Colour
    sleeves: bool
    coat: bool
    lower: Colour
    legwear: str
    shoes: Colour
    bag: str
    bag_colour: Colour
    side: int


@lru_cache(maxsize=4096)
def identity(number: int, seed: int = 0) -> Identity:
    """The person of a number.

    Args:
        number: from 1.
        seed: of the whole data set.
    """
    return anyone(stream("people", seed, "identity", number))


def anyone(rng: Generator) -> Identity:
    """A person without a number."""

    def one(choices: tuple[Choice, ...], *weights: float) -> Choice:
        limits = list(accumulate(weights or [1.0] * len(choices)))
        return choices[bisect(limits, rng.random() * limits[-1])]

    upper, haircut = one(UPPER), one(HAIRCUTS, 5, 4, 3, 1, 2, 2)
    coat = bool(rng.random() < 0.2)
    return Identity(
        build=rng.uniform(0.84, 1.24),
        stride=rng.uniform(0.7, 1.2),
        skin=one(SKIN, 3, 3, 2, 2),
        hair=one(UPPER) if haircut == "cap" else one(HAIR, 4, 4, 2, 1),
        haircut=haircut,
        upper=upper,
        pattern=one(PATTERNS, 3, 2, 1, 2, 2, 1, 2),
        second=one(tuple(each for each in UPPER if each != upper)),
        sleeves=coat or bool(rng.random() < 0.55),
        coat=coat,
        lower=one(LOWER),
        legwear=one(LEGWEAR, 6, 3, 2, 1),
        shoes=one(SHOES),
        bag=one(BAGS, 3, 3, 2, 2),
        bag_colour=one(BAG),
        side=one((-1, 1)),
    )
