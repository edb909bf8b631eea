"""Channel attention over many pictures: how the values spread, and which channels are dead or saturated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError
from rgaviz.figures.names import called, titled
from rgaviz.figures.sheet import few, sheet
from rgaviz.figures.style import COLOURS, DASHES, SMALL, STACKED, FigureOptions, Page, style
from rgaviz.figures.text import printable
from rgaviz.results.manifest import MapRef, ResultsError
from rgaviz.results.reader import Results

DEAD, SATURATED = 0.05, 0.95
HEADER = ("label", "channel", "mean", "std", "dead", "saturated")
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


def draw_histogram(statistics: Sequence[Mapping[str, Any]], options: FigureOptions) -> Figure:
    """Draw the distribution of all values, and each channel's mean and spread; several networks overlaid.

    Args:
        statistics: for each network and layer ``label``, and ``values`` (n, C).
        options: how it shall look.
    """
    with matplotlib.rc_context(style(options)):
        width = options.inches
        shape = (2, 1) if width < STACKED else (1, 2)
        legend = 0.13 * len(statistics) + 0.25
        figure = sheet(width, shape[0] * PANEL_HEIGHT + legend + 0.2, options, layout="constrained")
        spread, ranked = figure.subplots(*shape)
        for index, entry in enumerate(statistics):
            shade = COLOURS[index % len(COLOURS)]
            dashes = DASHES[index // len(COLOURS) % len(DASHES)]
            found = channel_statistics(entry["values"])
            dead, saturated = 100 * found["dead"], 100 * found["saturated"]
            text = f"{entry['label']}: dead {dead:.1f}%, saturated {saturated:.1f}%"
            density, _ = np.histogram(entry["values"], BINS, density=True)
            spread.stairs(density, BINS, fill=True, color=shade, alpha=0.2, linewidth=0)
            spread.stairs(density, BINS, color=shade, linestyle=dashes, label=printable(text))
            order = np.argsort(found["mean"])
            percent = 100 * (np.arange(order.size) + 0.5) / order.size
            mean, std = found["mean"][order], found["std"][order]
            low, high = np.clip(mean - std, 0, 1), np.clip(mean + std, 0, 1)
            ranked.fill_between(percent, low, high, color=shade, alpha=0.2, linewidth=0)
            ranked.plot(percent, mean, color=shade, linestyle=dashes)
        spread.set(xlim=(0, 1), ylim=(0, None), xlabel="channel attention", ylabel="density")
        ranked.set(xlim=(0, 100), ylim=(0, 1), xlabel="channels, sorted by mean (%)", ylabel="mean ± std")
        for edge in (DEAD, SATURATED):
            ranked.axhline(edge, color="#999999", linewidth=0.5, linestyle=(0, (2, 2)), zorder=0)
        if options.title:
            spread.set_title("values of all channels and pictures")
            ranked.set_title("each channel over the pictures")
        meaning = f"dead: mean < {DEAD}, saturated: mean > {SATURATED}"
        figure.legend(loc="outside lower center", title=meaning, title_fontsize=SMALL)
    return figure


def histogram_table(statistics: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """A row per network and channel, below the header: label, channel, mean, std, dead or saturated (0 or 1)."""
    rows: list[list[Any]] = [list(HEADER)]
    for entry in statistics:
        found = channel_statistics(entry["values"])
        for channel, (mean, std) in enumerate(zip(found["mean"], found["std"], strict=True)):
            flags = (int(mean < DEAD), int(mean > SATURATED))
            rows.append([entry["label"], channel, f"{mean:.6f}", f"{std:.6f}", *flags])
    return rows
