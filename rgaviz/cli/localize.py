"""``rgaviz localize``: where networks look, as numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.evaluate import IN_A_COLUMN
from rgaviz.cli.figure_options import Figure
from rgaviz.cli.groups import takes_groups
from rgaviz.cli.measuring import WIDEST, measured_table
from rgaviz.cli.option_groups import Network
from rgaviz.cli.options import DATA, CamLayer, Json, MaskLayer, Methods, Out, Resume, Target
from rgaviz.cli.settings import settings
from rgaviz.cli.show import cells, console, tell_failures

if TYPE_CHECKING:
    from rgaviz.analysis.localize import Localized


@app.command()
@takes_groups
def localize(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints, and a data set whose parts are known (people, shapes, cityscapes), or pictures with "
            "--truth.",
            autocompletion=completion.localized,
        ),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a label PNG for each picture (values 0 to K, named in classes.txt) or an XML file of "
            "Pascal VOC's with boxes; or a JSON file of COCO's.",
            show_default="that of the data set",
            rich_help_panel=DATA,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the data set, of one that is not generated: cityscapes, camvid or scenes.",
            show_default="generated",
            rich_help_panel=DATA,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, help="So many pictures, drawn at random.", show_default="all", rich_help_panel=DATA
        ),
    ] = None,
    *,
    method: Methods = "gradcam",
    target: Target = None,
    layer: CamLayer = None,
    mask_layer: MaskLayer = None,
    network: Network,
    figure: Figure = IN_A_COLUMN,
    out: Out = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Measure how much of each network's CAM and mask lies on each part, and how well it outlines it.

    Energy share, contrast, pointing game; over thresholds IoU, MaxBoxAcc and MaxBoxAccV2.

    Means with bootstrap intervals and a paired test against the first network, as figures, CSV and LaTeX.
    """
    from rgaviz.analysis import localize
    from rgaviz.analysis.cam import parse_methods
    from rgaviz.analysis.inputs import split_inputs

    checkpoints, words = split_inputs(inputs)
    found = localize.localize(
        checkpoints,
        words,
        out,
        truth=truth,
        data_dir=data_dir,
        methods=parse_methods(method),
        target=target,
        layer=layer,
        mask_layer=mask_layer,
        count=count,
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


def show(found: Localized) -> None:
    """A table for each measure, then the files."""
    from rgaviz.analysis.localize import drawn_from
    from rgaviz.analysis.located import MEASURES, by_map, numbers_of, starred

    parts = list(dict.fromkeys(row["part"] for row in found.rows))
    for measure, (title, _) in MEASURES.items():
        table = measured_table(title, cells(parts))
        for (name, network), own in by_map(found.rows, measure).items():
            texts = []
            for part in parts:
                mean, interval = numbers_of(own[part])
                texts.append(f"{mean}{'*' if starred(own[part]) else ''} {interval}".rstrip())
            table.add_row(*cells([", ".join(each for each in (found.titles[name], network) if each), *texts]))
        shown = console()
        shown.width = max(shown.width, console(width=WIDEST).measure(table).maximum)
        shown.print(table)
    print(
        f"{found.pictures} pictures ({found.source}); 95% bootstrap intervals over {drawn_from(found.people)}; "
        "* differs from the first network's, or from all ones where that has none, p < 0.05 (Wilcoxon, Holm)"
    )
    for path in found.files:
        print(path)
