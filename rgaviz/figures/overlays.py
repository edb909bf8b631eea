"""The single overlays beside a figure: a PNG for each panel with a map."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rgaviz.errors import OutputError
from rgaviz.figures.grid import check_kinds
from rgaviz.figures.overlay import overlay
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import FigureOptions
from rgaviz.regular import open_regular, stays_within
from rgaviz.results.manifest import MapRef, Panel, Picture
from rgaviz.results.reader import Results
from rgaviz.writing import atomic_write

FOLDER = "overlays"
SOFTWARE = "Software", "rgaviz"  # a text in each of them, by which they are known where no ledger has them
MARK = "tEXt{}\0{}".format(*SOFTWARE).encode()  # the same in the file, behind its size and kind
BEGINS = 100  # bytes that have it


Overlays = dict[Path, tuple[Picture, Panel]]  # file -> what it shows


def overlay_panels(results: Results, folder: Path) -> Overlays:
    """The single overlays: a file for each panel with a map.

    Raises:
        OutputError: two pictures would write one file, or a link leads it out of the output.
        ResultsError: a kind of panel that is not drawn yet.
    """
    check_kinds(results)
    pictures = {picture.id: picture for picture in results.manifest.pictures}
    targets: Overlays = {}
    for panel in (panel for row in results.manifest.rows for panel in row):
        if panel.kind != "map" or panel.map is None or panel.picture is None:
            continue
        picture = pictures[panel.picture]
        path = folder / overlay_name(picture.path, panel.map)
        taken = targets.setdefault(path, (picture, panel))[0]
        if taken is not picture:
            raise OutputError(f"{taken.path} and {picture.path} would both write {path}: rename one of them.")
    first = {path.parent: path for path in reversed(targets)}
    for place, path in first.items():
        if not stays_within(place, folder.parent):
            raise OutputError(
                f"{path} leads out of {folder.parent} by a link: remove that, or choose another place with -o."
            )
    return targets


def save_overlays(results: Results, overlays: Overlays, options: FigureOptions) -> Iterator[Path]:
    """Write the single overlays as PNGs, at the size of their pictures, on the same scales as the figure.

    Yields:
        The files, as they are written.

    Raises:
        OutputError: the folder cannot be written.
    """
    scales, info = Scales(results, options), PngInfo()
    info.add_text(*SOFTWARE)
    for path, (picture, panel) in overlays.items():
        shown = overlay(
            results.picture(picture.id),
            scales.read(panel, panel.map),
            options.cmap,
            *scales.limits(panel),
            options.alpha,
            options.interpolation,
        )
        atomic_write(
            path, lambda file, shown=shown: Image.fromarray(shown).save(file, format="PNG", pnginfo=info)
        )
        yield path


def overlay_name(picture: str, ref: MapRef) -> PurePosixPath:
    """``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder."""
    stem = PurePosixPath(picture).with_suffix("")
    return stem.with_name(f"{stem.name}-{ref.checkpoint}-{ref.name.replace('/', '-')}.png")


def claim_overlays(paths: Iterable[Path], own: Collection[Path]) -> None:
    """Make sure that overlays may be written.

    Args:
        paths: of the overlays.
        own: files that a ledger has as ours.

    Raises:
        OutputError: a folder or someone else's file has one of the names.
    """
    for path in paths:
        if path not in own and os.path.lexists(path) and not _is_overlay(path):
            raise OutputError(
                f"{path} is there and was not written by rgaviz: choose another folder with -o."
            )


def _is_overlay(path: Path) -> bool:
    try:
        with open_regular(path, 2**40) as file:
            return MARK in file.read(BEGINS)
    except (OSError, ValueError):
        return False
