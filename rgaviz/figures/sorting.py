"""By what the rows of a gallery are sorted and filtered: numbers of each picture, however they were found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rgaviz.figures.overlay import resize_map
from rgaviz.figures.scales import GROUP_NAMES, Scales
from rgaviz.results.manifest import Panel
from rgaviz.results.reader import LARGEST, Results, number_or_none

NAMES = ("index", "identity", "camera", "rank", "x", "y")  # numbers that name something, and measure nothing
NO_MEASURES = ("pixels", "inside", "outside")  # of a table of pictures: what its measures are made from
FLOORS = ("random", "gaussian", "ones")  # how maps are called that look at nothing
REST = "background"  # the part whose share is that of all others subtracted
MOST = 60  # numbers of a table that one can choose from
ABOUT = (
    "picture",
    "network",
    "group",
    "map",
    "method",
    "layer",
    "part",
    "target",
    "label",
)  # names, like numbers or not

Keys = dict[str, float]


def row_keys(scales: Scales, row: Sequence[Panel], names: Mapping[str, str]) -> Keys:
    """What networks say of the pictures of a row as numbers, and how alike their maps are.

    Args:
        scales: of the results, which read the maps.
        row: its panels.
        names: of the networks, by id.
    """
    keys: Keys = {}
    for place, panel in enumerate(row):
        network = panel.map.checkpoint if panel.map else str(panel.values.get("network", ""))
        if panel.map is None and place:  # one of many that were found
            continue
        network = names.get(network, network)
        for name, value in panel.values.items():
            if name in NAMES or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if abs(value) <= LARGEST:  # NaN is not
                keys.setdefault(f"{name}, {network}" if network else name, float(value))
    return {**keys, **_agreement(scales, row)}


def _agreement(scales: Scales, row: Sequence[Panel]) -> Keys:
    """The mean correlation of the networks' maps of one kind and picture, over all pairs of networks."""
    kinds: dict[tuple[str, str, str], list[Panel]] = {}
    for panel in row:
        if panel.kind == "map" and panel.map:
            kinds.setdefault((panel.map.group, panel.map.name, str(panel.picture)), []).append(panel)
    found: dict[str, list[float]] = {}
    for (group, _, _), panels in kinds.items():
        pairs = [each for each in itertools.combinations(panels, 2) if _two_networks(*each)]
        maps = {id(panel): scales.read(panel, panel.map) for pair in pairs for panel in pair}
        found.setdefault(group, []).extend(alike(maps[id(one)], maps[id(other)]) for one, other in pairs)
    shown = {group: [value for value in values if math.isfinite(value)] for group, values in found.items()}
    return {
        f"agreement of {GROUP_NAMES[group]}s": math.fsum(values) / len(values)
        for group, values in shown.items()
        if values
    }


def _two_networks(one: Panel, other: Panel) -> bool:
    return one.map is not None and other.map is not None and one.map.checkpoint != other.map.checkpoint


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two maps (h, w), at the finer resolution; NaN where one is flat or has NaN."""
    size = (max(one.shape[0], other.shape[0]), max(one.shape[1], other.shape[1]))
    first, second = (resize_map(each, size).ravel().astype(np.float64) for each in (one, other))
    if not (np.ptp(first) > 0 and np.ptp(second) > 0):  # NaN is not
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.corrcoef(first, second)[0, 1])


def verdicts(row: Sequence[Panel]) -> dict[str, str]:
    """Whether all networks are right of a picture, and whether they say the same; "" where that is not known."""
    right = {
        panel.map.checkpoint: panel.values["correct"]
        for panel in row
        if panel.map and isinstance(panel.values.get("correct"), bool)
    }
    if not right and row and row[-1].kind != "map":  # a ranking: what was found first
        frames = [panel.frame for panel in row[1:] if panel.frame]
        right = {"": frames[0] == "right"} if frames else {}
    says = {
        panel.map.checkpoint: panel.values["label"]
        for panel in row
        if panel.map and isinstance(panel.values.get("label"), str)
    }
    told = "right" if all(right.values()) else "wrong"
    same = "same" if len(set(says.values())) == 1 else "different"
    return {"right": told if right else "", "same": same if len(says) > 1 else ""}


def table_keys(results: Iterable[tuple[str, Results]]) -> dict[str, Keys]:
    """The numbers that tables of pictures have, by the path of the picture: where maps lie, how faithful they are.

    Args:
        results: folders by name; of each the tables with a column ``picture`` count.

    Raises:
        ResultsError: a table that cannot be read.
    """
    found: dict[str, Keys] = {}
    for name, each in results:
        for table in each.manifest.tables:
            header, *rows = each.table(table)
            if "picture" in header and rows:
                _add(found, name, header, rows)
    return found


def _add(found: dict[str, Keys], name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    texts = [place for place, title in enumerate(header) if title in ABOUT or not _numeric(rows, place)]
    numbers = [
        place for place in range(len(header)) if place not in texts and header[place] not in NO_MEASURES
    ]
    where = header.index("picture")
    chosen: dict[str, None] = {}
    for row in rows:
        about = [row[place] for place in texts if header[place] != "picture"]
        if _is_floor(header, row) or REST in about:
            continue
        for place in (each for each in numbers if row[each]):
            key = f"{name}: {', '.join([header[place], *filter(None, about)])}"
            if key in chosen or len(chosen) < MOST:
                chosen[key] = None
                found.setdefault(row[where], {}).setdefault(key, float(row[place]))


def _is_floor(header: Sequence[str], row: Sequence[str]) -> bool:
    called = row[header.index("map")] if "map" in header else ""
    return called.startswith(FLOORS)


def _numeric(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column has numbers and nothing else."""
    try:
        return any([number_or_none(row[place]) is not None for row in rows])
    except ValueError:
        return False
