"""The single overlays beside a figure: a PNG for each panel with a map."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

from rgaviz.ahead import ahead
from rgaviz.errors import OutputError
from rgaviz.figures.grid import check_kinds
from rgaviz.figures.panels import laid_over
from rgaviz.figures.scales import Scales
from rgaviz.figures.style import FigureOptions
from rgaviz.marked import save_marked_rgb
from rgaviz.pngs import WORKERS
from rgaviz.regular import stays_within
from rgaviz.results.manifest import OF_LABELS, MapRef, Panel, Picture
from rgaviz.results.reader import Results

FOLDER = "overlays"
SINGLE = ("map", *OF_LABELS)  # kinds of panel that have one


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
        if panel.kind not in SINGLE or panel.map is None or panel.picture is None:
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
    scales = Scales(results, options)

    def save(entry: tuple[Path, tuple[Picture, Panel]]) -> Path:
        path, (picture, panel) = entry
        save_marked_rgb(path, laid_over(scales, options, panel, results.picture(picture.id)))
        return path

    with closing(ahead(save, overlays.items(), WORKERS)) as saved:
        yield from saved


def overlay_name(picture: str, ref: MapRef) -> PurePosixPath:
    """``<picture without suffix>-<checkpoint>-<map>.png``, in the picture's own sub-folder."""
    stem = PurePosixPath(picture).with_suffix("")
    return stem.with_name(f"{stem.name}-{ref.checkpoint}-{ref.name.replace('/', '-')}.png")
