"""Strips of epochs as a moving picture for a talk, on the scale of the figure: GIF and WebP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rgaviz.figures.names import renamed
from rgaviz.figures.overlay import colour
from rgaviz.figures.panels import panel_pixels
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import FigureOptions
from rgaviz.figures.text import printable
from rgaviz.results.manifest import Panel
from rgaviz.results.reader import Results
from rgaviz.writing import atomic_write

KINDS = ("gif", "webp")
CELL, TALLEST, GAP = 220, 330, 10  # pixels: a picture's width, its greatest height, between pictures
TEXT, HEAD = 15, 24  # pixels of letters, and of the epoch's
BAR = 12  # pixels: how high a colour bar is
MOST = 8  # pictures in a frame
PAUSE, LAST = 600, 2000  # milliseconds
QUALITY = 85
GROUND, INK, SOFT = "#ffffff", "#1a1a1a", "#666666"
FADED = "#4477aa"


def save_movies(results: Results, stem: Path, options: FigureOptions) -> list[Path]:
    """Write the moving picture in each format, named like the figure.

    Args:
        results: of ``rgaviz evolve``.
        stem: the path without its suffix.
        options: how maps look.

    Raises:
        RgavizError: a map that is not there, or a place that cannot be written.
    """
    frames = draw_frames(renamed(results, options), options)
    paths = movie_paths(stem)
    times = [*[PAUSE] * (len(frames) - 1), LAST]
    first, *others = frames
    more: dict[str, Any] = {"save_all": True, "append_images": others, "duration": times, "loop": 0}
    kinds: dict[str, dict[str, Any]] = {"gif": {"optimize": False}, "webp": {"quality": QUALITY, "method": 4}}
    for path, name in zip(paths, KINDS, strict=True):
        atomic_write(path, lambda file, name=name: first.save(file, format=name, **more, **kinds[name]))
    return paths


def movie_paths(stem: Path) -> list[Path]:
    """The files."""
    return [stem.with_name(f"{stem.name}.{kind}") for kind in KINDS]


def draw_frames(results: Results, options: FigureOptions) -> list[Image.Image]:
    """A frame for each epoch, RGB, all of one size: pictures below each other, kinds of map side by side."""
    scales = Scales(results, options)
    manifest = results.manifest
    shown: dict[str, list[Sequence[Panel]]] = {}
    for row in manifest.rows:
        if row and row[0].picture is not None and (row[0].picture in shown or len(shown) < MOST):
            shown.setdefault(row[0].picture, []).append(row)
    sizes = {each.id: each.size for each in manifest.pictures}
    cells = {name: _cell(sizes[name]) for name in shown}
    across = 1 + max(map(len, shown.values()), default=0)
    width = across * (CELL + GAP) + GAP
    names = [" ".join(line.text for line in row[0].lines[:2]) for row in next(iter(shown.values()), [])]
    top = HEAD + 2 * TEXT + 3 * GAP
    bars = scales.bars()
    height = top + sum(tall + GAP for _, tall in cells.values()) + bool(bars) * (BAR + 4 * TEXT + GAP)
    ground = Image.new("RGB", (width, height), GROUND)
    _write_names(ground, names, top)
    _draw_bars(ground, bars, height - BAR - 4 * TEXT)
    pictures = {name: results.picture(name) for name in shown}
    frames = []
    for place, title in enumerate(manifest.titles[1:], start=1):
        frame = ground.copy()
        _write(frame, title, (GAP, GAP), HEAD, INK)
        share = place / max(len(manifest.titles) - 1, 1)
        line = (GAP, GAP + HEAD + 6, GAP + round(share * (width - 2 * GAP)), GAP + HEAD + 9)
        ImageDraw.Draw(frame).rectangle(line, fill=FADED)
        y = top
        for name, rows in shown.items():
            wide, tall = cells[name]
            for column, panel in enumerate([rows[0][0], *(row[place] for row in rows if len(row) > place)]):
                pixels = panel_pixels(scales, options, panel, pictures[name], (tall, wide))
                x = GAP + column * (CELL + GAP) + (CELL - wide) // 2
                frame.paste(Image.fromarray(pixels), (x, y))
            y += tall + GAP
        frames.append(frame)
    return frames


def _cell(size: Sequence[int]) -> tuple[int, int]:
    """Width and height of a picture in a frame."""
    height, width = size
    factor = min(CELL / width, TALLEST / height)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def _font(pixels: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(path), pixels)


def _write(image: Image.Image, text: str, place: tuple[float, float], pixels: int, ink: str) -> None:
    ImageDraw.Draw(image).text(place, printable(text), fill=ink, font=_font(pixels))


def _write_names(image: Image.Image, names: Sequence[str], top: int) -> None:
    """The kinds of map above their columns, each in two lines at most."""
    font, draw = _font(TEXT), ImageDraw.Draw(image)
    for column, name in enumerate(names, start=1):
        lines, words = [""], printable(name).split()
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if draw.textlength(longer, font) <= CELL or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
        x = GAP + column * (CELL + GAP) + CELL / 2
        for number, line in enumerate(lines[:2]):
            while line and draw.textlength(line, font) > CELL:
                line = line[:-1]
            y = top - GAP / 2 - (min(len(lines), 2) - number) * (TEXT + 2)
            draw.text((x, y), line, fill=INK, font=font, anchor="ma")


def _draw_bars(image: Image.Image, bars: Sequence[Any], y: int) -> None:
    """The colour bars side by side, with their ends and what they are."""
    if not bars:
        return
    wide = min((image.width - GAP) // len(bars) - GAP, 2 * CELL)
    ramp = np.broadcast_to(np.linspace(0.0, 1.0, wide, dtype=np.float32), (BAR, wide))
    for number, bar in enumerate(bars):
        x = GAP + number * (wide + GAP)
        image.paste(Image.fromarray(colour(ramp, bar.cmap, 0.0, 1.0)), (x, y))
        ends = [f"{end:.3g}".replace("-", "−") for end in (bar.low, bar.high)]
        draw, font = ImageDraw.Draw(image), _font(TEXT - 3)
        draw.text((x, y + BAR + 2), ends[0], fill=INK, font=font)
        draw.text((x + wide, y + BAR + 2), ends[1], fill=INK, font=font, anchor="ra")
        for place, line in enumerate(bar.label.split("\n")[:2]):
            while line and draw.textlength(line, font) > wide:
                line = line[:-1]
            draw.text((x, y + BAR + 2 + (place + 1) * TEXT), printable(line), fill=SOFT, font=font)
