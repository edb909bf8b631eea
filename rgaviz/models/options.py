"""The options of a network: those of its constructor, spelled there once, with the defaults of its size."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from rgaviz.errors import clipped, quoted, unknown_name

OF_ALL = ("num_classes", "image_size", "attention")  # arguments of create_model itself
LARGEST = 10**9
WANTED = {int: "a whole number", bool: "true or false", str: "a name"}


@cache  # a recipe asks for those of every builder, for each of its options
def options_of(builder: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Name -> type and default of every option that a builder takes."""
    parameters = inspect.signature(builder, eval_str=True).parameters
    named = {name: each for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    return {name: each for name, each in named.items() if name not in OF_ALL}


def faults(arch: str, options: Mapping[str, Any], models: Mapping[str, Callable[..., Any]]) -> list[str]:
    """What is wrong with the options of ``arch``, a sentence each; None stands for a default.

    Args:
        arch: a key of ``models``.
        options: name -> value.
        models: all builders by name, so that an option of another family is told from one that does not exist.
    """
    known = options_of(models[arch])
    found = []
    for name, value in options.items():
        # A dictionary rather than a set: the families in a fixed order.
        families = dict.fromkeys(_family(each) for each in models.values() if name in options_of(each))
        if not families:
            found.append(str(unknown_name(name, known, f"option of {arch}")))
        elif value is None:
            continue
        elif name not in known:
            found.append(f"{arch} has no option {name}, only a {' or '.join(families)} has; leave it out.")
        elif not _fits(value, kind := known[name].annotation):
            found.append(
                f"{name}={quoted(value)} cannot build a {arch}; give {WANTED.get(kind, 'a list of names')}."
            )
        elif fault := not_positive(arch, name, value):
            found.append(fault)
    return found


def not_positive(arch: str, name: str, value: Any) -> str | None:
    """The fault of a number below 1, or of one that no file could record."""
    if type(value) is int and not 1 <= value <= LARGEST:
        wanted = "positive" if value < 1 else "smaller"
        return f"{name}={quoted(value)} cannot build a {clipped(arch)}; give a {wanted} number."
    return None


def _family(builder: Callable[..., Any]) -> str:
    """The class of which a builder fixes the size."""
    return getattr(builder, "func", builder).__name__


def _fits(value: Any, kind: Any) -> bool:
    if kind in WANTED:
        return type(value) is kind  # true is no number
    several = isinstance(value, Collection) and not isinstance(value, str | Mapping)
    return several and all(isinstance(each, str) for each in value)  # attention_layers
