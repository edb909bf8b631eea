"""``rgaviz sanity``: whether masks matter, and whether maps depend on what a network has learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.evaluate import IN_A_COLUMN
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import WIDEST, measured_table
from rgaviz.cli.option_groups import Network, parse_names
from rgaviz.cli.options import DATA, DataDir, Json, Out, Pattern, flag
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, give
from rgaviz.errors import RgavizError

if TYPE_CHECKING:
    from rgaviz.analysis.randomize import Randomized
    from rgaviz.analysis.sanity import Checked

WEIGHTS = "With --weights"  # a panel of --help
OF_WEIGHTS = {
    "method": "--method",
    "target": "--target",
    "layer": "--layer",
    "random_labels": "--random-labels",
}


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
        str | None,
        typer.Option(
            help="What masks are replaced by, with commas: ones, mean, average, positions, channels, pictures or all.",
            show_default="all",
            autocompletion=completion.several(lambda: [*completion.WAYS(), "all"]),
        ),
    ] = None,
    mask_layer: Annotated[
        str | None,
        typer.Option(
            help="Stages of the masks, with commas, or all.", show_default="all; with --weights the deepest"
        ),
    ] = None,
    weights: Annotated[
        bool, flag("--weights", help="Ask of maps instead: how alike they stay as weights are drawn anew.")
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(
            help="CAM methods with commas, or all: rgaviz list methods",
            show_default="gradcam",
            rich_help_panel=WEIGHTS,
            autocompletion=completion.several(lambda: [*completion.METHODS(), "all"]),
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="What the CAM is about; of a classifier a class, or top1, what the trained network says.",
            show_default="the first of rgaviz list tasks: top1",
            rich_help_panel=WEIGHTS,
            autocompletion=completion.one(completion.targets),
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="Layer of the CAM: a stage or a dotted module name.",
            show_default="the last stage or map",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    random_labels: Annotated[
        Path | None,
        typer.Option(
            help="A network built alike that was trained on random labels.",
            show_default="none",
            rich_help_panel=WEIGHTS,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="So many pictures or queries, drawn at random.",
            show_default="all; with --weights 64",
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

    With --weights whether maps depend on what it has learnt. Intervals and a paired test, as a figure, CSV and LaTeX.
    """
    from rgaviz.analysis import randomize, sanity

    shared: dict[str, Any] = {"count": count, "dataset": dataset, "data_dir": data_dir, "pattern": pattern}
    shared |= settings(context, network, figure)
    of_weights = {"method": method, "target": target, "layer": layer, "random_labels": random_labels}
    _refuse_unfit(way, of_weights, weights=weights)
    if weights:
        methods = parse_names(method or "gradcam", "--method")
        own = {"target": target, "layer": layer, "mask_layer": mask_layer, "random_labels": random_labels}
        found: Any = randomize.randomize(checkpoints, out, methods=methods, **own, **shared)
    else:
        ways = parse_names(way or "all", "--way")
        found = sanity.sanity(checkpoints, out, ways=ways, mask_layer=mask_layer or "all", **shared)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    elif weights:
        show_weights(found)
    else:
        show(found)
    if found.left_out:
        raise typer.Exit(1)


def _refuse_unfit(way: str | None, of_weights: dict[str, Any], *, weights: bool) -> None:
    """Refuse options of the other question."""
    if weights and way is not None:
        raise RgavizError("--way replaces masks: leave it out, or leave out --weights.")
    for name, value in of_weights.items():
        if value is not None and not weights:
            raise RgavizError(f"{OF_WEIGHTS[name]} is for --weights: add that, or leave it out.")


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
        _print(table)
    where = told_of(found.networks, found.dataset, found.source)
    print(f"Changes on {where}; 95% bootstrap intervals; * p < 0.05 (paired randomisation test, Holm)")
    for path in found.files:
        give(path)


def show_weights(found: Randomized) -> None:
    """A table for each measure of how alike maps are, then the files."""
    from rgaviz.analysis.randomize import told_of
    from rgaviz.analysis.randomized import COLUMNS, by_map, text_of
    from rgaviz.explain.likeness import LIKENESS

    for measure, title in LIKENESS.items():
        rows = by_map(found.rows, measure)
        columns = [name for name in COLUMNS if any(name in own for own in rows.values())]
        if not columns:
            continue
        table = measured_table(title, cells([COLUMNS[name] for name in columns]))
        for (name, network), own in rows.items():
            texts = [" ".join(text_of(own[column])).strip() if column in own else "" for column in columns]
            table.add_row(*cells([f"{found.titles[name]}, {network}", *texts]))
        _print(table)
    where = told_of(found.pictures, found.people, found.dataset)
    print(
        f"Likeness to the trained network's maps, {where}; 95% bootstrap intervals; the layers are in the figure"
    )
    for path in found.files:
        give(path)


def _print(table: Any) -> None:
    shown = console()
    shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
    shown.print(table)
