"""The one way to save a figure: in every format, each file whole or not at all, the same bytes on every run."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.figures.jpegs import with_jpegs
from rgaviz.figures.style import FORMATS, FigureOptions, style
from rgaviz.writing import atomic_write

PACKED = 3  # of zlib's levels, for rasters within figures


def save_figure(figure: Figure, stem: Path, options: FigureOptions) -> list[Path]:
    """Write the figure in every format asked for, each file whole or not at all.

    Args:
        figure: a figure drawn under :func:`style`.
        stem: the path without its suffix.
        options: formats and resolution.

    Returns:
        The files, in the order of ``options.formats``.
    """
    paths = []
    for name in options.formats:
        path = stem.with_name(f"{stem.name}.{name}")
        atomic_write(path, figure_bytes(figure, name, options))
        paths.append(path)
    return paths


def figure_bytes(figure: Figure, name: str, options: FigureOptions) -> bytes:
    """A figure drawn under :func:`style` as the content of a file of the format ``name``."""
    # PDF and SVG embed a raster as it is; a PNG filters it down to its own pixels.
    for axes in figure.axes:
        for image in axes.images:  # figure.findobj() would make every tick for this
            image.set_interpolation("antialiased" if name == "png" else "none")
    buffer = io.BytesIO()
    with matplotlib.rc_context(style(options)), _packed_fast():
        figure.savefig(buffer, format=name, dpi=options.dpi, metadata=FORMATS[name])  # pyright: ignore[reportArgumentType]
    content = buffer.getvalue()
    return with_jpegs(content, options.jpeg) if name == "pdf" and options.jpeg else content


_packing = threading.Lock()


@contextmanager
def _packed_fast() -> Iterator[None]:
    """Within the block Pillow packs PNGs, and so matplotlib the rasters in its files, in a third of the time.

    Two thirds of the time of a figure went into packing them as tightly as zlib can, which saves a tenth of the size.
    """

    def save(image: Image.Image, file: IO[bytes], name: str | bytes) -> None:
        image.encoderinfo.setdefault("compress_level", PACKED)
        usual(image, file, name)

    with _packing:
        Image.preinit()
        usual = Image.SAVE["PNG"]
        Image.register_save("PNG", save)
        try:
            yield
        finally:
            Image.register_save("PNG", usual)
