"""``rgaviz list``: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from rgaviz.cli.app import app
from rgaviz.cli.options import Json


@app.command("list")
def list_names(
    what: Annotated[str, typer.Argument(help="recipes, models, attentions, datasets, methods or venues.")],
    as_json: Json = False,
) -> None:
    """List recipes, models, attentions, datasets, CAM methods or venues."""
    from rgaviz.errors import lookup

    rows = lookup(LISTS, what, "list")()
    if as_json:
        print(json.dumps(dict(rows), indent=1))
        return
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        print(f"{name:<{width}}  {meaning}")


def first_lines(table: dict[str, Any]) -> list[tuple[str, str]]:
    """Every name of a registry with the first line of its docstring."""
    return [(name, (entry.__doc__ or "").partition("\n")[0]) for name, entry in table.items()]


def recipes() -> list[tuple[str, str]]:
    """Recipes with the first line of their comment."""
    from rgaviz.training.config import recipe_names, recipe_text

    return [(name, recipe_text(name).partition("\n")[0].lstrip("# ")) for name in recipe_names()]


def models() -> Iterable[tuple[str, str]]:
    """Architectures."""
    from rgaviz.models import MODELS

    return first_lines(MODELS)


def attentions() -> Iterable[tuple[str, str]]:
    """Attention modules."""
    from rgaviz.attention import ATTENTIONS

    return first_lines(ATTENTIONS)


def datasets() -> Iterable[tuple[str, str]]:
    """Data sets."""
    from rgaviz.data.sets import DATASETS

    return first_lines(DATASETS)


def methods() -> Iterable[tuple[str, str]]:
    """Methods of class activation mapping."""
    from rgaviz.explain.methods import METHODS

    ways = {
        True: "shares one pass with the others of this kind",
        False: "passes of its own, by pytorch-grad-cam",
    }
    return [(name, f"{each.title}: {ways[each.maps is not None]}") for name, each in METHODS.items()]


def venues() -> Iterable[tuple[str, str]]:
    """Venues with their widths."""
    from rgaviz.figures.style import VENUES

    sizes = {name: venue() for name, venue in VENUES.items()}
    return [
        (name, f"column {v.column:.2f} in, text {v.text:.2f} in, {v.points:g} pt")
        for name, v in sizes.items()
    ]


LISTS = {
    "recipes": recipes,
    "models": models,
    "attentions": attentions,
    "datasets": datasets,
    "methods": methods,
    "venues": venues,
}
