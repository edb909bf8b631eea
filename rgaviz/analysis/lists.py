"""What there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rgaviz.errors import lookup

if TYPE_CHECKING:
    from rgaviz.explain.methods import Method


def choices(what: str) -> dict[str, str]:
    """Names and what they mean, as ``rgaviz list`` prints them.

    Args:
        what: a key of :data:`LISTS`.

    Raises:
        UnknownNameError: there is no such list.
    """
    return lookup(LISTS, what, "list")()


def first_lines(table: Mapping[str, Any]) -> dict[str, str]:
    """Every name of a registry with the first line of its docstring."""
    return {name: (entry.__doc__ or "").partition("\n")[0] for name, entry in table.items()}


def recipes() -> dict[str, str]:
    """Recipes with the first line of their comment."""
    from rgaviz.training.config import recipe_names, recipe_text

    return {name: recipe_text(name).partition("\n")[0].lstrip("# ") for name in recipe_names()}


def models() -> dict[str, str]:
    """Architectures."""
    from rgaviz.models import MODELS

    return first_lines(MODELS)


def attentions() -> dict[str, str]:
    """Attention modules."""
    from rgaviz.attention import ATTENTIONS

    return first_lines(ATTENTIONS)


def datasets() -> dict[str, str]:
    """Data sets."""
    from rgaviz.data.sets import DATASETS

    return first_lines(DATASETS)


def methods() -> dict[str, str]:
    """Methods of class activation mapping."""
    from rgaviz.explain.methods import METHODS

    def way(method: Method) -> str:
        if method.maps:
            return "shares one pass with the others of this kind"
        return "passes of its own, by pytorch-grad-cam" if method.library else "passes of its own"

    return {name: f"{each.title}: {way(each)}" for name, each in METHODS.items()}


def venues() -> dict[str, str]:
    """Venues with their widths."""
    from rgaviz.figures.style import VENUES

    sizes = {name: venue() for name, venue in VENUES.items()}
    return {
        name: f"column {v.column:.2f} in, text {v.text:.2f} in, {v.points:g} pt" for name, v in sizes.items()
    }


def tasks() -> dict[str, str]:
    """Tasks: what is measured, the headline first, the heads of their networks, and the words for a target."""
    from rgaviz.tasks import TASKS

    told = {}
    for name, task in TASKS.items():
        parts = {
            "measures": [measure.label for measure in task.measures],
            "heads": task.heads,
            "targets": task.targets,
        }
        told[name] = "; ".join(f"{part} {', '.join(names)}" for part, names in parts.items() if names)
    return told


LISTS: dict[str, Callable[[], dict[str, str]]] = {
    "recipes": recipes,
    "models": models,
    "attentions": attentions,
    "tasks": tasks,
    "datasets": datasets,
    "methods": methods,
    "venues": venues,
}
