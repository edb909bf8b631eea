"""``rgaviz faithfulness``: whether networks go by what their maps show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import WIDEST, measured_table
from rgaviz.cli.option_groups import Network, parse_names
from rgaviz.cli.options import DATA, CamLayer, DataDir, Json, MaskLayer, Methods, Out, Resume, Target
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, tell_failures

if TYPE_CHECKING:
    from rgaviz.analysis.faithfulness import Faithfulness


@app.command()
@takes_groups
def faithfulness(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints, and a data set or pictures; by default the data set of the first checkpoint.",
            autocompletion=completion.measured_on,
        ),
    ],
    measure: Annotated[
        str,
        typer.Option(
            help="deletion, insertion, road, drop, increase, sensitivity, several with commas, or all.",
            autocompletion=completion.several(completion.FAITHFUL),
        ),
    ] = "all",
    steps: Annotated[
        int, typer.Option(help="Equal shares of the pixels in which they are deleted and inserted.")
    ] = 20,
    count: Annotated[
        int, typer.Option(min=1, help="So many pictures, drawn at random.", rich_help_panel=DATA)
    ] = 100,
    data_dir: DataDir = None,
    *,
    method: Methods = "gradcam",
    target: Target = None,
    layer: CamLayer = None,
    mask_layer: MaskLayer = None,
    network: Network,
    figure: Figure,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Measure whether networks go by what their CAMs and masks show: deletion, insertion, ROAD, drop, sensitivity.

    Curves with bands, means with bootstrap intervals and a paired test against the first network; CSV and LaTeX.
    """
    from rgaviz.analysis import faithfulness
    from rgaviz.analysis.cam import parse_methods
    from rgaviz.analysis.inputs import split_inputs

    checkpoints, words = split_inputs(inputs)
    found = faithfulness.faithfulness(
        checkpoints,
        words,
        out,
        measures=parse_names(measure, "--measure"),
        methods=parse_methods(method),
        target=target,
        layer=layer,
        mask_layer=mask_layer,
        steps=steps,
        count=count,
        data_dir=data_dir,
        resume=resume,
        **settings(context, network, figure),
    )
    tell_failures(found.failures, found.pictures)
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        show(found)
    if found.failures:
        raise typer.Exit(1)


def show(found: Faithfulness) -> None:
    """The table, what it is of, then the files."""
    from rgaviz.analysis.faithful import MEASURES, by_map, numbers_of, starred
    from rgaviz.analysis.localize import drawn_from

    measures = list(dict.fromkeys(row["measure"] for row in found.rows))
    arrows = {True: "↓", False: "↑"}
    table = measured_table(
        "map", [f"{MEASURES[each].title} {arrows[MEASURES[each].least]}" for each in measures]
    )
    for (name, network), own in by_map(found.rows).items():
        texts = []
        for measure in measures:
            mean, interval = numbers_of(own[measure])
            texts.append(f"{mean}{'*' if starred(own[measure]) else ''} {interval}".rstrip())
        table.add_row(*cells([f"{found.titles[name]}, {network}", *texts]))
    shown = console()
    shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
    shown.print(table)
    print(
        f"{found.pictures} pictures ({found.source}), score: {found.score}; 95% bootstrap intervals over "
        f"{drawn_from(found.people)}; * differs from the first network's, or from the own Random-CAM where that has "
        "none, p < 0.05 (Wilcoxon, Holm)"
    )
    for path in found.files:
        print(path)
