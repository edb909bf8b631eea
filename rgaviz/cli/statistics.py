"""``rgaviz statistics``: what attention does over a whole data set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.figure_options import MapFigure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import WIDEST, measured_table
from rgaviz.cli.option_groups import Network, parse_names
from rgaviz.cli.options import DATA, DataDir, Json, Out, Pattern, Resume
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, give, tell_failures, tell_left_out

if TYPE_CHECKING:
    from rgaviz.analysis.statistics import Statistics

OPAQUE = MapFigure(alpha=1.0)  # a mean picture says little, and colours are those of the bar


@app.command()
@takes_groups
def statistics(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints with attention, and a data set: rgaviz list datasets; by default that of the first one.",
            autocompletion=completion.over_data,
        ),
    ],
    data_dir: DataDir = None,
    pattern: Pattern = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Part of the data set, such as train.",
            show_default="those that are measured: test; query and gallery; val",
            rich_help_panel=DATA,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="What pictures are told apart by: class, camera, identity or none.",
            show_default="camera where there are some, else class",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.GROUPED),
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(help="Up to 7 classes in the figure, with commas.", show_default="the first 5"),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, help="So many pictures, drawn at random.", show_default="all", rich_help_panel=DATA
        ),
    ] = None,
    *,
    layer: Annotated[str, typer.Option(help="Stages with attention: conv5, conv4,conv5 or all.")] = "all",
    threshold: Annotated[
        float, typer.Option(help="Of spatial masks: above it a position counts to the area.")
    ] = 0.5,
    network: Network,
    figure: MapFigure = OPAQUE,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Look at attention over a whole data set: channels by class and stage, mean maps by class, in one pass.

    Curves, mean maps, entropy, dead and saturated values, and the channels that differ most between classes.
    """
    from rgaviz.analysis import statistics
    from rgaviz.analysis.inputs import split_inputs

    checkpoints, words = split_inputs(inputs)
    found = statistics.statistics(
        checkpoints,
        words or None,
        out,
        data_dir=data_dir,
        pattern=pattern,
        part=part,
        by=by,
        show=parse_names(show, "--show") if show else (),
        layer=layer,
        threshold=threshold,
        count=count,
        resume=resume,
        **settings(context, network, figure),
    )
    tell_failures(found.failures, found.pictures)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        tell(found)
    tell_left_out(found.left_out, found.folder)
    if found.failures:
        raise typer.Exit(1)


def tell(found: Statistics) -> None:
    """A table of the masks and one of channels that differ, then the files."""
    from rgaviz.analysis.mask_tables import COLUMNS, PERCENT, of_all, texts
    from rgaviz.analysis.tables import number

    titles = [f"{key} (%)" if key in PERCENT else key for key in COLUMNS]
    table = measured_table("mask", titles)
    for row in of_all(found.rows):
        table.add_row(*cells([f"{row['network']} {row['mask']}", *texts(row)]))
    _show(table)
    if found.differing:
        table = measured_table("channel", ["share (%)", "F", "highest", "", "lowest", ""])
        for row in found.differing:
            name = f"{row['network']} {row['mask']} {row['channel']}"
            numbers = number(100 * row["share"]), number(row["f"])
            ends = [(row[each], number(row[f"{each}_mean"], 2)) for each in ("highest", "lowest")]
            table.add_row(*cells([name, *numbers, *ends[0], *ends[1]]))
        _show(table)
    print(
        f"{found.pictures} pictures ({found.source}); means over pictures; share: of the variance, between classes"
    )
    for path in found.files:
        give(path)


def _show(table: object) -> None:
    """A table in whole lines, whatever the terminal's width."""
    shown = console()
    shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
    shown.print(table)
