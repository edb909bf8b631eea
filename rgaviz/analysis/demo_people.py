"""The part of the demonstration that finds people again: a trained pair, pictures, Figure 3 and a rank list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rgaviz.progress import Track, silent

if TYPE_CHECKING:
    import torch

FOLDER = "people"  # in that of the demonstration
NETWORKS = ("baseline.pt", "rga.pt")
SHOWN = 6  # people


def people_files(out: Path) -> dict[Path, bytes]:
    """The bundled pair, and pictures of people that it was not trained on."""
    from rgaviz.bundled import bundled
    from rgaviz.data.sets.people import jpeg, names

    weights = {out / name: bundled(f"weights/{FOLDER}-{name}").read_bytes() for name in NETWORKS}
    queries = names()["query"]  # by who is on them
    shown = queries[:: len(queries) // SHOWN][:SHOWN]
    return {**weights, **{out / "crops" / name: jpeg(name) for name in shown}}


def people_figures(
    chosen: torch.device, out: Path, device: str, command_line: str, track: Track = silent
) -> Iterator[list[Path]]:
    """Figure 3 of the paper from the crops in the folder, and whom the pair takes for whom.

    Args:
        chosen: where the networks go.
        out: the folder.
        device: as typed.
        command_line: recorded in the results.
        track: shows a progress bar.

    Yields:
        The files of each, once they are drawn.
    """
    from rgaviz.analysis.compare import compare_request
    from rgaviz.analysis.rank import rank
    from rgaviz.analysis.rendering import FORMATS, render
    from rgaviz.analysis.subject import load_subjects
    from rgaviz.data.find import find_pictures

    crops = find_pictures([out / "crops"])
    request = compare_request(load_subjects([out / name for name in NETWORKS], chosen))
    yield render(request, crops, out / "figure3", command_line, track, preset="figure3")
    ranked = rank(
        [out / name for name in NETWORKS],
        out=out / "rank",
        overlay="mask",
        pick="improved",
        count=2,
        device=device,
        figure={"formats": FORMATS},
        command_line=command_line,
        track=track,
    )
    yield ranked.files
