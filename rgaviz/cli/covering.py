"""How whole pictures are covered: the options of commands that measure or predict a class for every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from rgaviz.cli.groups import Group
from rgaviz.errors import RgavizError

COVERING = "Whole pictures"


@dataclass(frozen=True)
class Covering(Group):
    """How pictures are covered; the defaults are those of ``rgaviz.tasks.whole.Covering``, too heavy here."""

    window: Annotated[
        int | None,
        typer.Option(
            help="Side in pixels of windows that a picture is seen by.",
            show_default="the whole picture",
            rich_help_panel=COVERING,
        ),
    ] = None
    stride: Annotated[
        int | None,
        typer.Option(
            help="Pixels between windows.", show_default="two thirds of one", rich_help_panel=COVERING
        ),
    ] = None
    scales: Annotated[
        str | None,
        typer.Option(
            help="Scales over which a picture is averaged, such as 0.75,1,1.25.",
            show_default="1",
            rich_help_panel=COVERING,
        ),
    ] = None

    def choices(self) -> dict[str, Any]:
        """Those that were given, as arguments of ``rgaviz.tasks.whole.Covering``.

        Raises:
            RgavizError: scales that are no numbers.
        """
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.scales is not None:
            given["scales"] = _numbers(self.scales)
        return given


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError:
        raise RgavizError(
            f"--scales {text} are no numbers; give them with commas: --scales 0.75,1,1.25"
        ) from None
