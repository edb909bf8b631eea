"""What every command tells the function behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from rgaviz.cli.app import COMMAND_LINE
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.option_groups import Network
from rgaviz.cli.show import say, track

if TYPE_CHECKING:
    from rgaviz.analysis.settings import Settings


def settings(context: typer.Context, network: Network, figure: Figure | None = None) -> Settings:
    """The options of networks and of the figure, if there is one, how it was called, and where to tell of it."""
    found: Any = {**network.given(), "command_line": context.meta[COMMAND_LINE], "track": track, "say": say}
    if figure is not None:
        found["figure"] = figure.changes()
    return found
