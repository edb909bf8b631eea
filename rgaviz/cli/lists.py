"""``rgaviz list``: what there is to choose from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app
from rgaviz.cli.options import Json


@app.command("list")
def list_names(
    what: Annotated[
        str,
        typer.Argument(
            help="recipes, models, attentions, tasks, datasets, methods or venues.",
            autocompletion=completion.one(completion.LISTS),
        ),
    ],
    as_json: Json = False,
) -> None:
    """List recipes, models, attentions, tasks, datasets, CAM methods or venues."""
    from rgaviz.analysis.lists import choices

    meanings = choices(what)
    if as_json:
        print(json.dumps(meanings, indent=1))
        return
    width = max(map(len, meanings))
    for name, meaning in meanings.items():
        print(f"{name:<{width}}  {meaning}")
