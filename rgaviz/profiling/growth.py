"""How the cost of attention modules grows with the map: N = H W positions or C channels."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from rgaviz.attention import build_attention
from rgaviz.devices import available_memory
from rgaviz.profiling.direct import DIRECT, direct_form
from rgaviz.profiling.measure import Cost, Settings, measure
from rgaviz.progress import Track

MEMORY_SHARE = 0.5  # of what is available: more is not risked
SIDES = (8, 16, 24, 32, 48, 64, 96)  # of the square maps, where N grows
CHANNELS = (64, 128, 256, 512, 1024)  # where C grows
MAP = (16, 16)  # where C grows


@dataclass(frozen=True)
class Point:
    """The cost of one attention module at one size.

    Attributes:
        name: of the attention.
        x: N or C, whichever grows.
        channels: C.
        size: (H, W).
        cost: as measured.
    """

    name: str
    x: int
    channels: int
    size: tuple[int, int]
    cost: Cost


def sizes(axis: str, channels: int) -> dict[int, tuple[int, tuple[int, int]]]:
    """N or C -> (C, (H, W)): square maps of ``channels`` where N grows, maps of 16x16 where C does."""
    if axis == "N":
        return {side * side: (channels, (side, side)) for side in SIDES}
    return {channels: (channels, MAP) for channels in CHANNELS}


def growing(attentions: Sequence[str]) -> dict[str, Callable[[int, tuple[int, int]], nn.Module]]:
    """What to compare as maps grow: the modules of these attentions, and the direct form of RGA beside its own.

    Returns:
        name -> builder of (C, (H, W)); direct forms are called e.g. ``"rga-sc (direct)"``.
    """
    found: dict[str, Callable[[int, tuple[int, int]], nn.Module]] = {}
    for name in attentions:
        found[name] = partial(build_attention, name)
        if name in DIRECT:
            found[f"{name} (direct)"] = partial(_build_direct, name)
    return found


def _build_direct(name: str, channels: int, size: tuple[int, int]) -> nn.Module:
    return direct_form(build_attention(name, channels, size))


def measure_growth(
    attentions: Sequence[str],
    axis: str,
    settings: Settings,
    track: Track,
    *,
    channels: int = 64,
    batch_size: int = 1,
) -> tuple[list[Point], list[str]]:
    """The cost of attention modules alone as N or C grows.

    Memory grows with the square of either at most, so what the next size may take is known from the last one.
    A module that may then need more than half of the memory available is left out from there on.

    Args:
        attentions: names, see :func:`growing`.
        axis: ``"N"`` or ``"C"``.
        settings: how to measure.
        track: wraps long loops, for a progress bar.
        channels: C, where N grows.
        batch_size: B.

    Returns:
        The points, and a line for every module that was left out.

    Raises:
        RgavizError: a module cannot be built, or memory does not suffice.
    """
    builders = growing(attentions)
    points: list[Point] = []
    notes: list[str] = []
    for x, (wide, size) in sizes(axis, channels).items():
        for last in _latest(points, builders):
            available = available_memory(settings.device)
            needed = (last.cost.memory or 0) * (x / last.x) ** 2
            if needed > MEMORY_SHARE * available:
                notes.append(
                    f"{last.name} ends at {axis} = {last.x}: {axis} = {x} may take {needed / 2**30:.1f} GiB, "
                    f"more than half of the {available / 2**30:.1f} GiB available."
                )
                del builders[last.name]
        builds = {name: partial(build, wide, size) for name, build in builders.items()}
        shape = (batch_size, wide, *size)
        costs = measure(builds, shape, settings, partial(_described, track, f"{axis} = {x}"), inner=True)
        points += [Point(name, x, wide, size, cost) for name, cost in costs.items()]
    return points, notes


def _latest(points: Sequence[Point], names: Iterable[str]) -> list[Point]:
    """The last point of each of these."""
    last = {point.name: point for point in points}
    return [last[name] for name in names if name in last]


def _described(track: Track, prefix: str, items: Iterable[Any], *, total: int, description: str) -> Any:
    return track(items, total=total, description=f"{prefix}, {description}")


def exponent(xs: Sequence[float], ys: Sequence[float | None]) -> float | None:
    """The p of y ~ x^p: least squares on the logarithms, over the larger half of the sizes.

    Args:
        xs: sizes, ascending.
        ys: what grows; None where it was not measured.

    Returns:
        p, or None of fewer than two positive values.
    """
    known = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True) if y]
    upper = known[min(len(known) // 2, max(len(known) - 2, 0)) :]
    return statistics.linear_regression(*zip(*upper, strict=True)).slope if len(upper) > 1 else None
