"""Channel attention over many pictures: how the values spread, and which channels are dead or saturated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from rgaviz.errors import RgavizError
from rgaviz.figures.chart_legend import fit_legend
from rgaviz.figures.names import called, titled
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, DASHES, STACKED, FigureOptions, Page, style
from rgaviz.results.manifest import MapRef, ResultsError
from rgaviz.results.reader import Results

DEAD, SATURATED = 0.05, 0.95
HEADER = ("label", "channel", "mean", "std", "dead", "saturated")
MEANING = f"dead (mean < {DEAD}), saturated (mean > {SATURATED}) channels"
FLAT = 1 / 30  # of the height of an axis: hardly to be seen
BINS = np.linspace(0.0, 1.0, 41)

PANEL_HEIGHT = 1.5


def histogram_pages(results: Results, options: FigureOptions) -> Iterator[Page]:
    """The one page, with each channel's statistics beside it as CSV."""
    statistics = channel_masks(results)
    names = called(results, options)
    shown = [{**each, "label": titled(each["label"], names)} for each in statistics]
    yield Page(draw_histogram(shown, options), table=histogram_table(statistics))


def channel_masks(results: Results) -> list[dict[str, Any]]:
    """For every channel mask of a results folder its label and ``values`` (pictures, C)."""
    found: dict[tuple[str, str], list[tuple[str, MapRef]]] = {}
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind == "bars" and panel.map and panel.picture is not None:
            found.setdefault((panel.map.checkpoint, panel.map.name), []).append((panel.picture, panel.map))
    if not found:
        raise RgavizError(f"{results.folder} has no channel masks; choose a network with channel attention.")
    statistics = []
    for (checkpoint, name), shown in few(list(found.items()), "channel masks"):
        maps = [results.map(picture, ref.checkpoint, ref.name) for picture, ref in shown]
        if len({each.shape for each in maps}) > 1:
            raise ResultsError(
                f"The channel masks {name!r} of {checkpoint} in {results.folder} differ in length: "
                "run the command that made them again."
            )
        layer, _, kind = name.rpartition("/")
        note = " joint (mean over positions)" if kind == "joint-channel" else ""
        statistics.append({"label": f"{checkpoint} {layer}{note}", "values": np.stack(maps)})
    return statistics


def channel_statistics(values: np.ndarray) -> dict[str, Any]:
    """What a channel mask does over a set of pictures.

    Args:
        values: the masks (n, C), in [0, 1].

    Returns:
        ``mean`` and ``std`` (C,): each channel over the pictures (population deviation). ``dead`` and
        ``saturated``: the fraction of channels whose mean is below 0.05, above 0.95. ``entropy``: of each
        picture's mask taken as shares of its sum, over log C, averaged: 1 weighs all channels alike, 0 is a
        single channel.
    """
    if values.ndim != 2 or not np.isfinite(values).all() or not ((values >= 0) & (values <= 1)).any():
        raise RgavizError(
            f"Channel masks of shape {values.shape} have no statistics: give finite values in [0, 1], (n, C)."
        )
    values = values.astype(np.float64)
    count = values.shape[1]
    total = values.sum(axis=1, keepdims=True)  # (n, 1)
    share = np.divide(values, total, out=np.full_like(values, 1 / count), where=total > 0)  # (n, C)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    entropy = -(share * logs).sum(axis=1) / np.log(max(count, 2))  # (n,)
    mean = values.mean(axis=0)
    return {
        "mean": mean,
        "std": values.std(axis=0),
        "dead": float((mean < DEAD).mean()),
        "saturated": float((mean > SATURATED).mean()),
        "entropy": float(entropy.mean()),
    }


def is_peaked(densities: Sequence[np.ndarray]) -> bool:
    """Whether most of a histogram would be flat on a linear axis: half of its filled bins below a 30th of the highest.

    Args:
        densities: of each network and layer over the same bins.
    """
    filled = np.concatenate(densities)
    filled = filled[filled > 0]
    return bool(filled.size and np.median(filled) < FLAT * filled.max())


def draw_histogram(statistics: Sequence[Mapping[str, Any]], options: FigureOptions) -> Figure:
    """Draw the distribution of all values, and each channel's mean and spread; several networks overlaid.

    Args:
        statistics: for each network and layer ``label``, and ``values`` (n, C).
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        shape = (2, 1) if width < STACKED else (1, 2)
        above = shape[0] * PANEL_HEIGHT + 0.1
        found = [channel_statistics(entry["values"]) for entry in statistics]
        tails = [f": {100 * each['dead']:.1f}%, {100 * each['saturated']:.1f}%" for each in found]
        names = [str(entry["label"]) for entry in statistics]
        legend = fit_legend(names, width, above, tails=tails, title=MEANING)
        figure = sheet(width, legend.page, options, layout="constrained")
        spread, ranked = figure.subplots(*shape)
        densities = [np.histogram(entry["values"], BINS, density=True)[0] for entry in statistics]
        lines = []
        for index, (density, each) in enumerate(zip(densities, found, strict=True)):
            shade = COLOURS[index % len(COLOURS)]
            dashes = DASHES[index // len(COLOURS) % len(DASHES)]
            spread.stairs(density, BINS, fill=True, color=shade, alpha=0.2, linewidth=0)
            spread.stairs(density, BINS, color=shade, linestyle=dashes)
            order = np.argsort(each["mean"])
            percent = 100 * (np.arange(order.size) + 0.5) / order.size
            mean, std = each["mean"][order], each["std"][order]
            low, high = np.clip(mean - std, 0, 1), np.clip(mean + std, 0, 1)
            ranked.fill_between(percent, low, high, color=shade, alpha=0.2, linewidth=0)
            lines += ranked.plot(percent, mean, color=shade, linestyle=dashes)
        spread.set(xlim=(0, 1), xlabel="channel attention")
        _set_density_axis(spread, densities)
        ranked.set(xlim=(0, 100), ylim=(0, 1), xlabel="channels, sorted by mean (%)", ylabel="mean ± std")
        for edge in (DEAD, SATURATED):
            ranked.axhline(edge, color="#999999", linewidth=0.5, linestyle=(0, (2, 2)), zorder=0)
        if options.title:
            spread.set_title("values of all channels and pictures")
            ranked.set_title("each channel over the pictures")
        labels = [name + tail for name, tail in zip(legend.names, tails, strict=False)]
        legend.draw(figure, lines, labels)
    return figure


def _set_density_axis(ax: Axes, densities: Sequence[np.ndarray]) -> None:
    """From 0 on, or logarithmic where that would hide most."""
    if not is_peaked(densities):
        ax.set(ylim=(0, None), ylabel="density")
        return
    least = min(density[density > 0].min() for density in densities)
    ax.set(yscale="log", ylabel="density (log)")
    ax.set_ylim(bottom=least / 2)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def histogram_table(statistics: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """A row per network and channel, below the header: label, channel, mean, std, dead or saturated (0 or 1)."""
    rows: list[list[Any]] = [list(HEADER)]
    for entry in statistics:
        found = channel_statistics(entry["values"])
        for channel, (mean, std) in enumerate(zip(found["mean"], found["std"], strict=True)):
            flags = (int(mean < DEAD), int(mean > SATURATED))
            rows.append([entry["label"], channel, f"{mean:.6f}", f"{std:.6f}", *flags])
    return rows
