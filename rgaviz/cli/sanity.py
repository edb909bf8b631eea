"""``rgaviz sanity``: whether masks matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.evaluate import IN_A_COLUMN
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import WIDEST, measured_table
from rgaviz.cli.option_groups import Network, parse_names
from rgaviz.cli.options import DATA, DataDir, Json, Out, Pattern
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, give

if TYPE_CHECKING:
    from rgaviz.analysis.sanity import Checked


@app.command()
@takes_groups
def sanity(
    context: typer.Context,
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints to look into, torchvision:NAME, timm:NAME.",
            autocompletion=completion.checkpoints,
        ),
    ],
    way: Annotated[
        str,
        typer.Option(
            help="What masks are replaced by, with commas: ones, mean, average, positions, channels, pictures or all.",
            autocompletion=completion.several(lambda: [*completion.WAYS(), "all"]),
        ),
    ] = "all",
    mask_layer: Annotated[
        str, typer.Option(help="Stages whose masks are replaced, with commas, or all.")
    ] = "all",
    count: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="So many pictures or queries, drawn at random.",
            show_default="all",
            rich_help_panel=DATA,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set: rgaviz list datasets",
            show_default="what each was trained on",
            rich_help_panel=DATA,
            autocompletion=completion.one(completion.DATASETS),
        ),
    ] = None,
    data_dir: DataDir = None,
    pattern: Pattern = None,
    *,
    network: Network,
    figure: Figure = IN_A_COLUMN,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure whether masks matter: what a network loses when they are replaced by ones, a mean, or shuffled.

    Changes with bootstrap intervals and a paired test, as a figure, CSV and LaTeX.
    """
    from rgaviz.analysis import sanity

    found = sanity.sanity(
        checkpoints,
        out,
        ways=parse_names(way, "--way"),
        mask_layer=mask_layer,
        count=count,
        dataset=dataset,
        data_dir=data_dir,
        pattern=pattern,
        **settings(context, network, figure),
    )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        show(found)
    if found.left_out:
        raise typer.Exit(1)


def show(found: Checked) -> None:
    """A table for each measure of each network, then the files."""
    from rgaviz.analysis.ablated import by_mask, numbers_of, starred
    from rgaviz.analysis.sanity import told_of
    from rgaviz.explain.ablation import WAYS

    for own in found.networks:
        network, key = own["network"], own["measure"]
        interval = "" if own["low"] is None else f" [{own['low']:.2f}, {own['high']:.2f}]"
        print(*cells([f"{network}: {found.titles[key]} {own['value']:.2f}{interval}"]))
        rows = by_mask(found.rows, network, key)
        ways = [way for way in WAYS if any(way in of_ways for of_ways in rows.values())]
        if not rows:
            continue
        table = measured_table("mask", cells([WAYS[way].title for way in ways]))
        for mask, of_ways in rows.items():
            texts = []
            for way in ways:
                change, interval = numbers_of(of_ways[way]) if way in of_ways else ("", "")
                texts.append(f"{change}{'*' if change and starred(of_ways[way]) else ''} {interval}".strip())
            table.add_row(*cells([mask, *texts]))
        shown = console()
        shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
        shown.print(table)
    where = told_of(found.networks, found.dataset, found.source)
    print(f"Changes on {where}; 95% bootstrap intervals; * p < 0.05 (paired randomisation test, Holm)")
    for path in found.files:
        give(path)
