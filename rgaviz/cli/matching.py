"""How people are compared: the options of commands that rank a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from rgaviz.cli.groups import Group
from rgaviz.cli.options import flag

MATCHING = "Matching"  # of people


@dataclass(frozen=True)
class Matching(Group):
    """How people are compared; the defaults are those of ``rgaviz.tasks.matching.Matching``, too heavy here."""

    distance: Annotated[
        str | None,
        typer.Option(
            help="Of two people's embeddings: cosine or euclidean.",
            show_default="cosine",
            rich_help_panel=MATCHING,
        ),
    ] = None
    neck: Annotated[
        str | None,
        typer.Option(
            help="Embeddings before or after the head's batch normalisation.",
            show_default="after",
            rich_help_panel=MATCHING,
        ),
    ] = None
    ap: Annotated[
        str | None,
        typer.Option(
            help="Average precision: step, or trapezoid as the authors of RGA computed it.",
            show_default="step",
            rich_help_panel=MATCHING,
        ),
    ] = None
    flip: Annotated[
        bool, flag("--flip", help="The mean of what a picture and its mirror image give.", panel=MATCHING)
    ] = False
    rerank: Annotated[
        bool, flag("--rerank", help="Order anew by common neighbours (k-reciprocal).", panel=MATCHING)
    ] = False
    within_camera: Annotated[
        bool, flag("--within-camera", help="Count pictures by a query's own camera, too.", panel=MATCHING)
    ] = False

    def choices(self) -> dict[str, Any]:
        """Those that were given, as arguments of ``rgaviz.tasks.matching.Matching``."""
        return {name: value for name, value in vars(self).items() if value}
