"""Training curves: loss and error of the networks, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rgaviz.errors import RgavizError
from rgaviz.figures.histogram import PANEL_HEIGHT
from rgaviz.figures.style import COLOURS, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable, text_inches
from rgaviz.results.reader import Results, number_or_none

LINES = {"train": (0, (3, 1.5)), "test": "solid"}


def curves_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page: the table ``curves``, a row per network and epoch."""
    values = {f"{part}_{what}": number_or_none for part in LINES for what in ("loss", "error")}
    yield Page(draw_curves(results.records("curves", network=str, epoch=int, **values), options))


def draw_curves(rows: Sequence[Mapping[str, Any]], options: FigureOptions) -> Figure:
    """Draw loss and error (%) against the epoch: one colour per network, training dashed, test solid.

    Args:
        rows: ``network``, ``epoch``, ``train_loss``, ``train_error``, ``test_loss``, ``test_error`` (in %); a
            value that is None or "" leaves a gap.
        options: how it shall look.
    """
    if not rows:
        raise RgavizError("No epoch to draw: train for at least one.")
    networks = list(dict.fromkeys(row["network"] for row in rows))
    with matplotlib.rc_context(style(options)):
        width = options.inches
        shape = (2, 1) if width < STACKED else (1, 2)
        figure = Figure(figsize=(width, shape[0] * PANEL_HEIGHT + 0.5), layout="constrained")
        panels = dict(zip(("loss", "error"), figure.subplots(*shape), strict=True))
        for index, network in enumerate(networks):
            own = sorted(
                (row for row in rows if row["network"] == network), key=lambda row: int(row["epoch"])
            )
            epochs = [int(row["epoch"]) for row in own]
            for what, ax in panels.items():
                for part, dashes in LINES.items():
                    ax.plot(
                        epochs,
                        [_number(row.get(f"{part}_{what}")) for row in own],
                        color=COLOURS[index % len(COLOURS)],
                        linestyle=dashes,
                        marker="o" if len(own) == 1 else None,
                        markersize=3,
                        label=f"{printable(str(network))} {part}",
                    )
        panels["loss"].set(xlabel="epoch", ylabel="loss")
        panels["error"].set(xlabel="epoch", ylabel="error (%)")
        for what, ax in panels.items():
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(axis="y", color="#dddddd", linewidth=0.4)
            if options.title:
                ax.set_title(what)
        shades = [Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(networks))]
        dashes = [Line2D([], [], color="black", linestyle=dash) for dash in LINES.values()]
        names = [*(printable(str(network)) for network in networks), *LINES]
        widest = max(text_inches(name, SMALL) for name in names) + 0.4  # with its line and the gap
        columns = min(len(names), max(1, int(width / widest)))
        figure.legend(shades + dashes, names, loc="outside lower center", ncols=columns, handlelength=2.0)
    return figure


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)
