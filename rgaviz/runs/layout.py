"""What stands where in a table of finished runs, as text: a row per network, columns per data set and measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rgaviz.errors import lookup
from rgaviz.runs.papers import NOTHING, Paper, paper_table
from rgaviz.runs.row import Row, mean_and_std
from rgaviz.tasks import Measure

# Data sets by their names in papers; those of re-identification in the order of the tables of RGA's authors.
PEOPLE = {
    "cuhk03-labeled": "CUHK03 (L)",
    "cuhk03-detected": "CUHK03 (D)",
    "market1501": "Market1501",
    "dukemtmc": "DukeMTMC-reID",
    "msmt17": "MSMT17",
}
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "cityscapes": "Cityscapes",
    "camvid": "CamVid",
    **PEOPLE,
}
SETTINGS = ("Model", "Depth", "Params", "Epochs", "Seeds")  # the first columns


class Head(NamedTuple):
    """What stands above a column.

    Attributes:
        names: by which the column is asked for: its setting, or its measure and its data set.
        title: in one line.
        dataset: in two lines the upper one; "" of settings.
        below: the lower one.
    """

    names: tuple[str, ...]
    title: str
    dataset: str
    below: str


class Column(NamedTuple):
    """A measure of a data set.

    Attributes:
        dataset: its name.
        measure: what is measured on it.
        first: whether it is the first measure of the data set.
        alone: whether it is the only one.
        beside: whether the paper has a figure of one of these networks.
    """

    dataset: str
    measure: Measure
    first: bool
    alone: bool
    beside: bool

    @property
    def what(self) -> tuple[str, str]:
        """Name of the data set and key of the measure."""
        return self.dataset, self.measure.key

    @property
    def heads(self) -> list[Head]:
        """Of our column, and of the paper's beside it."""
        title, names = DATASETS.get(self.dataset, self.dataset), (self.measure.key, self.dataset)
        paper = title if self.alone else f"{title} {self.measure.title}"
        ours = Head(names, f"{title} {self.measure.label}", title, self.measure.label)
        return [ours, *([Head(names, f"{paper}, paper", title, "paper")] if self.beside else [])]


class Table(NamedTuple):
    """A table as text.

    Attributes:
        heads: of the columns.
        cells: a list per row.
        bold: row and column of the cells to print in bold.
    """

    heads: list[Head]
    cells: list[list[str]]
    bold: set[tuple[int, int]]

    @property
    def header(self) -> list[str]:
        """Titles of all columns."""
        return [head.title for head in self.heads]

    @property
    def two_lines(self) -> bool:
        """Whether data sets stand above their measures: where one has several."""
        measures = {(head.dataset, head.names) for head in self.heads if head.dataset}
        return len(measures) > len({dataset for dataset, _ in measures})


def columns_of(rows: Sequence[Row], reported: Paper) -> list[Column]:
    """The measures of the data sets of a table."""
    measures = {name: row.measures for row in reversed(rows) for name in row.values}
    order = list(PEOPLE)
    names = sorted(measures, key=lambda name: (order.index(name) if name in PEOPLE else -1, len(name), name))
    return [
        Column(
            name,
            each,
            each == measures[name][0],
            len(measures[name]) == 1,
            _is_reported(rows, reported, name, each),
        )
        for name in names
        for each in measures[name]
    ]


def _is_reported(rows: Sequence[Row], reported: Paper, dataset: str, measure: Measure) -> bool:
    found = (reported.figure(row.network, dataset, measure.key) for row in rows)
    return any(figure is not None for figure in found)


def others_of(reported: Paper, columns: Sequence[Column]) -> dict[str, list[list[float | None]]]:
    """By name the methods that a paper only compares with: for each column our cells, empty, and the paper's."""
    lines: dict[str, list[list[float | None]]] = {
        name: [
            [None, figures.get(column.dataset, {}).get(column.measure.key)] if column.beside else [None]
            for column in columns
        ]
        for name, figures in reported.others.items()
    }
    return {
        name: cells
        for name, cells in lines.items()
        if any(value is not None for each in cells for value in each)
    }


def lay_out(rows: Sequence[Row], paper: str | None = None, wanted: Sequence[str] = ()) -> Table:
    """The text of a table; what is best of its family, data set and measure beyond the deviations is to be bold.

    Args:
        rows: from :func:`read_runs`.
        paper: a key of ``PAPERS`` whose figures stand beside ours; methods it compares with come first.
        wanted: the columns in order, as :func:`chosen` takes them; by default all.
    """
    reported = paper_table(paper) if paper else NOTHING
    columns = columns_of(rows, reported)
    cells, bold = [], set()
    for name, others in others_of(reported, columns).items():
        line = [name, *[""] * (len(SETTINGS) - 1)]
        for column, values in zip(columns, others, strict=True):
            line += ["" if value is None else column.measure.number(value) for value in values]
        cells.append(line)
    decimals = _decimals(rows)
    for row in rows:
        line = [row.model, row.depth, _parameters(row, decimals), str(row.epochs), _seeds(row)]
        for dataset, measure, *_, beside in columns:
            if row.by_seed(dataset, measure) and _is_best(row, rows, dataset, measure):
                bold.add((len(cells), len(line)))
            line.append(_spread(measure, row.by_seed(dataset, measure)))
            if beside:
                value = reported.figure(row.network, dataset, measure.key)
                line.append("" if value is None else measure.number(value))
        cells.append(line)
    heads = [Head((name.lower(),), name, "", name) for name in SETTINGS]
    heads += [head for column in columns for head in column.heads]
    places = chosen([head.names for head in heads], wanted)
    return Table(
        [heads[place] for place in places],
        [[line[place] for place in places] for line in cells],
        {(row, places.index(place)) for row, place in bold if place in places},
    )


def chosen(names: Sequence[Sequence[str]], wanted: Sequence[str]) -> list[int]:
    """The places of the wanted columns in their order, each once; the first column, which names a row, before them.

    Args:
        names: of each column those by which it is asked for; several may have one.
        wanted: some of them; of none all columns.

    Raises:
        UnknownNameError: no column has the name.
    """
    known = dict.fromkeys(name for each in names for name in each)
    for name in wanted:
        lookup(known, name, "column")
    if not wanted:
        return list(range(len(names)))
    return list(
        dict.fromkeys([0, *(place for name in wanted for place, each in enumerate(names) if name in each)])
    )


def _is_best(row: Row, rows: Sequence[Row], dataset: str, measure: Measure) -> bool:
    """Whether its mean is better than that of all others of its family, by more than both deviations together.

    Of one seed no deviation is known, so it neither is best nor lets another one be; nor is one that is alone.
    """
    others = [
        each
        for each in rows
        if each is not row and each.family == row.family and each.by_seed(dataset, measure)
    ]
    return bool(others) and all(_beats(row, each, dataset, measure) for each in others)


def _beats(row: Row, other: Row, dataset: str, measure: Measure) -> bool:
    (own, spread), (theirs, its) = (mean_and_std(each.by_seed(dataset, measure)) for each in (row, other))
    if own is None or theirs is None or spread is None or its is None:
        return False
    return (theirs - own if measure.least else own - theirs) > spread + its


def _spread(measure: Measure, by_seed: Mapping[int, float]) -> str:
    """Mean and sample standard deviation; of one seed the value alone."""
    mean, std = mean_and_std(by_seed)
    return " ± ".join(measure.number(value) for value in (mean, std) if value is not None)


def _decimals(rows: Sequence[Row]) -> int:
    """Of the millions of parameters, in the whole column: as many as the smallest network takes."""
    return 2 if all(count >= 1e6 for row in rows for count in row.parameters.values()) else 3


def _parameters(row: Row, decimals: int) -> str:
    """In millions; more than one where the number of classes shows."""
    counts = (count / 1e6 for _, count in sorted(row.parameters.items()))
    return " / ".join(dict.fromkeys(f"{count:.{decimals}f}M" for count in counts))


def _seeds(row: Row) -> str:
    counts = sorted({len(seeds) for seeds in row.values.values()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
