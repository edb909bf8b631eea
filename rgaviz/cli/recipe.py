"""``rgaviz recipe``: a recipe to copy and edit."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rgaviz.cli import completion
from rgaviz.cli.app import app


@app.command()
def recipe(
    name: Annotated[
        str,
        typer.Argument(
            help="A shipped recipe: rgaviz list recipes", autocompletion=completion.shipped_recipes
        ),
    ],
) -> None:
    """Print a recipe: rgaviz recipe cifar10 > my.toml, then rgaviz train cifar10 --recipe my.toml."""
    from rgaviz.training.config import recipe_text

    sys.stdout.write(recipe_text(name))
