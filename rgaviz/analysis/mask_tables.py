"""What masks do over a data set as rows: of networks, masks and classes, of channels, and what of them differs most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rgaviz.analysis.gathering import Gathered, Tally, together
from rgaviz.analysis.tables import TEX, cell, number
from rgaviz.explain.moments import Between, between
from rgaviz.explain.statistics import OF_ALL, OF_POSITIONS
from rgaviz.writing import csv_bytes

Row = dict[str, Any]
ALL = "all"  # pictures
MOST_DIFFERENT = 5  # channels told of each mask
# How the tables begin: what stands in them of a network, a mask and a class, or a channel.
SUMMARY = ("network", "mask", "class", "pictures")
CHANNELS = ("network", "mask", "channel", "mean", "deviation", "dead", "saturated", "share", "f")
PERCENT = ("dead", "saturated", "area", "share", "chance")  # told in percent
COLUMNS = ("mean", "deviation", "entropy", "dead", "saturated", "area", "share", "chance")


def summary(found: Gathered) -> list[Row]:
    """A row for each network, mask and class, that of all pictures first.

    Of each number of a mask the mean over the pictures, and behind ``_std`` the population deviation; of all pictures
    also how much the classes differ: ``share`` and what that is where classes mean nothing, ``chance``.
    """
    rows = []
    for (network, mask), tallies in found.tallies.items():
        several = between([each.values for each in tallies[:-1]])
        whole = {"share": None, "chance": None}
        if several is not None:
            whole = {"share": _known(several.pooled), "chance": several.chance}
        rows.append(_row(network, mask, ALL, together(tallies)) | whole)
        rows += [
            _row(network, mask, name, each) | {"share": None, "chance": None}
            for name, each in zip(found.groups, tallies, strict=False)
        ]
    return rows


def of_all(rows: Sequence[Row]) -> list[Row]:
    """Those of all pictures: the first one of each network and mask, for a class may be called so, too."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row["network"], row["mask"]), row)
    return list(first.values())


def _row(network: str, mask: str, name: str, tally: Tally) -> Row:
    row: Row = dict(zip(SUMMARY, (network, mask, name, tally.values.count), strict=True))
    for key in (*OF_ALL, *OF_POSITIONS):
        moments = tally.numbers.get(key)
        known = moments if moments is not None and moments.count else None
        row[key] = None if known is None else float(known.mean)
        row[f"{key}_std"] = None if known is None else float(known.deviation)
    return row


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def channel_rows(found: Gathered, classes: Iterable[int]) -> Iterator[list[Any]]:
    """A row for each network, mask and channel, below the header.

    It says what the channel does over all pictures, then its mean in each class.

    Args:
        found: what came of all pictures.
        classes: places of those that get a column.
    """
    columns = list(classes)
    yield [*CHANNELS, *(found.groups[place] for place in columns)]
    for (network, mask), tallies in _of_channels(found):
        whole, several = together(tallies), between([each.values for each in tallies[:-1]])
        means = [each.values.mean if each.values.count else None for each in (tallies[k] for k in columns)]
        for channel in range(len(whole.values.mean)):
            own = [each[channel] for each in (whole.values.mean, whole.values.deviation)]
            own += [each.mean[channel] for each in (whole.dead, whole.saturated)]
            differ = [None, None]
            if several is not None:
                differ = [_known(each[channel]) for each in (several.share, several.ratio)]
            of_classes = [None if each is None else _in_range(each[channel]) for each in means]
            yield [network, mask, channel, *map(_in_range, own), *differ, *of_classes]


def _in_range(value: float) -> float:
    """A value of a mask, which rounding may bring beyond 0 and 1."""
    return min(max(float(value), 0.0), 1.0)


def _of_channels(found: Gathered) -> Iterator[tuple[tuple[str, str], list[Tally]]]:
    for key, tallies in found.tallies.items():
        if tallies[0].values.mean.ndim == 1:
            yield key, tallies


def differing(found: Gathered, most: int = MOST_DIFFERENT) -> list[Row]:
    """Of each channel mask the channels that differ most between classes, with the highest and the lowest class."""
    rows = []
    for (network, mask), tallies in _of_channels(found):
        several = between([each.values for each in tallies[:-1]])
        if several is None:
            continue
        seen = [place for place, each in enumerate(tallies[:-1]) if each.values.count]
        means = np.stack([tallies[place].values.mean for place in seen])  # (K, C)
        for channel in highest(several, most):
            low, high = (int(pick(means[:, channel])) for pick in (np.argmin, np.argmax))
            rows.append(
                {
                    "network": network,
                    "mask": mask,
                    "channel": channel,
                    "share": float(several.share[channel]),
                    "f": _known(several.ratio[channel]),
                    "highest": found.groups[seen[high]],
                    "highest_mean": float(means[high, channel]),
                    "lowest": found.groups[seen[low]],
                    "lowest_mean": float(means[low, channel]),
                }
            )
    return rows


def highest(several: Between, most: int) -> list[int]:
    """The elements of greatest share, which is also the order of F, of equal ones the first."""
    order = np.argsort(-np.nan_to_num(several.share, nan=-1.0), kind="stable")[:most]
    return [int(place) for place in order if not np.isnan(several.share[place])]


def csv_table(rows: Sequence[Row]) -> bytes:
    """The summary as CSV."""
    return csv_bytes([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])


def channels_csv(found: Gathered) -> bytes:
    """The channels as CSV, with a column for each class."""
    rows = channel_rows(found, range(len(found.groups)))
    return csv_bytes([[cell(value) for value in row] for row in rows])


def texts(row: Mapping[str, Any], keys: Sequence[str] = COLUMNS) -> list[str]:
    """Some numbers of a summary's row as people read them."""
    return [
        number(None if row[key] is None else 100 * row[key])
        if key in PERCENT
        else number(row[key], 3 if key == "entropy" else 2)
        for key in keys
    ]


def tex_table(rows: Sequence[Row], comment: str) -> bytes:
    r"""Those of all pictures as a ``tabular`` with the rules of booktabs."""
    from rgaviz.runs.table import tabular, tex

    header = ["network", "mask", *(rf"{key} (\%)" if key in PERCENT else key for key in COLUMNS)]
    cells = [[tex(row["network"]), tex(row["mask"]), *texts(row)] for row in of_all(rows)]
    head = [f"{TEX} statistics; needs \\usepackage{{booktabs}}", f"% {comment}"]
    return "\n".join([*head, *tabular(header, cells), ""]).encode()
