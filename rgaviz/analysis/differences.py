"""How sure it is that one network's measure changed: of measures that are no means of pictures, too.

Whole sets are drawn and measured: for an interval pictures with replacement (Efron and Tibshirani, 1993, chapter 13),
for a test which of both answers belongs to which side, picture by picture (Edgington, Randomization Tests, 1980; of
retrieval Smucker et al., CIKM 2007). Where it is known whom pictures show, people are drawn with all their pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rgaviz.analysis.significance import CONFIDENCE, LARGEST, RESAMPLES, SEED, Interval
from rgaviz.progress import Track, silent
from rgaviz.tasks.evidence import Evidence

SWAPS = 9999
ROUNDING = 1e-9  # of a measure in percent


class Change(NamedTuple):
    """A measure of the changed network, the change with its interval, and the p-value that there is none."""

    value: float
    change: float
    low: float | None
    high: float | None
    p: float | None


def measure_interval(evidence: Evidence, key: str) -> Interval:
    """A measure of a whole set with its 95 % interval by the percentile bootstrap."""
    parts = _by_unit(evidence, evidence.parts)
    drawn = [evidence.measured[key](draws @ parts) for draws in _resamples(len(parts), max(parts.shape))]
    low, high = _ends(drawn)
    return Interval(evidence.figure(key), low, high, len(evidence.parts))


def changes(intact: Evidence, others: Sequence[Evidence], key: str, track: Track = silent) -> list[Change]:
    """How a measure changes, of each other evidence; all are measured on the same draws.

    The p-value is (1 + the swaps with a change as large or larger) / (1 + all swaps), two-sided (Phipson and Smyth,
    2010).

    Args:
        intact: of each picture.
        others: of the same pictures in the same order.
        key: of a measure.
        track: wraps the loop, for a progress bar.
    """
    measured = intact.measured[key]
    before, *moved = (
        _by_unit(intact, each) for each in (intact.parts, *(other.parts - intact.parts for other in others))
    )  # (m, d) each
    values = [other.figure(key) for other in others]
    found = [value - intact.figure(key) for value in values]
    drawn: list[list[np.ndarray]] = [[] for _ in others]
    larger = [0] * len(others)
    stacked, width = np.concatenate([before, *moved], 1), before.shape[1]  # (m, (1 + others) d)
    wide = max(stacked.shape)  # what is worked on at once
    resamples = _resamples(len(before), wide)
    for draws in track(resamples, total=_blocks(RESAMPLES, wide), description="resampling"):
        first, *shifts = np.split(draws @ stacked, 1 + len(others), axis=1)  # (r, d) each
        for own, shift in zip(drawn, shifts, strict=True):
            own.append(measured(first + shift) - measured(first))
    for swaps in _swaps(len(before), wide) if others else ():
        shifts = np.split(swaps @ stacked[:, width:], len(others), axis=1)
        for place, (other, shift) in enumerate(zip(others, shifts, strict=True)):
            sides = other.parts.sum(0) - shift, intact.parts.sum(0) + shift
            change = np.abs(measured(sides[0]) - measured(sides[1]))
            larger[place] += int((change >= abs(found[place]) - ROUNDING).sum())
    alone = len(before) < 2
    p_values = [None if alone else (1 + each) / (1 + SWAPS) for each in larger]
    rows = zip(values, found, drawn, p_values, strict=True)
    return [Change(value, change, *_ends(own), p) for value, change, own, p in rows]


def _by_unit(evidence: Evidence, parts: np.ndarray) -> np.ndarray:
    """Sums (m, d) of the parts (n, d) of each person, or picture."""
    if evidence.people is None:
        return parts
    _, place = np.unique(evidence.people, return_inverse=True)  # (n,)
    sums = np.zeros((place.max() + 1, parts.shape[1]))
    np.add.at(sums, place, parts)
    return sums


def _resamples(count: int, wide: int) -> Iterator[np.ndarray]:
    """How often each of ``count`` units is drawn, (r, count) float64, a few resamples at a time; none of one alone."""
    if count < 2:
        return
    rng = np.random.default_rng(SEED)

    def some(rows: int) -> np.ndarray:
        places = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        return np.bincount(places.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)

    yield from _in_blocks(RESAMPLES, wide, some)


def _swaps(count: int, wide: int) -> Iterator[np.ndarray]:
    """Which of ``count`` units are swapped, (r, count) float64 of 0 and 1, a few at a time; none of one alone."""
    if count < 2:
        return
    rng = np.random.default_rng(SEED + 1)
    yield from _in_blocks(SWAPS, wide, lambda rows: rng.integers(0, 2, (rows, count)).astype(np.float64))


def _in_blocks(total: int, wide: int, some: Callable[[int], np.ndarray]) -> Iterator[np.ndarray]:
    step = -(-total // _blocks(total, wide))
    for start in range(0, total, step):
        yield some(min(step, total - start))


def _blocks(total: int, wide: int) -> int:
    """In how many parts so many draws of ``wide`` numbers are made."""
    return -(-total * wide // LARGEST)


def _ends(drawn: Sequence[np.ndarray]) -> tuple[float | None, float | None]:
    """The ends of the interval, of draws in which something could be measured."""
    values = np.concatenate(drawn) if drawn else np.empty(0)
    values = values[~np.isnan(values)]
    if not len(values):
        return None, None
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
