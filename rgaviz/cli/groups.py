"""Groups of options: declared once as a frozen dataclass, taken by a command through a parameter of that class.

Typer knows single options only. :func:`takes_groups` shows it the options of a command's groups, and gives the command
the groups again, as plain data.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints


class Group:
    """Options that belong together; a subclass is a frozen dataclass whose fields are ``Annotated`` options."""


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of its groups in place of the groups, for Typer to see.

    A parameter whose class is a :class:`Group` becomes the options of that class, and the command gets an instance of
    it. Its default is an instance with other defaults; ``Annotated[Figure, "as it was drawn"]`` has none but these
    words, and what is not given is None.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type[Group]] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        group, words = _group(parameter.annotation)
        if group is None:
            parameters.append(parameter)
        else:
            groups[parameter.name] = group
            default = group() if parameter.default is parameter.empty else parameter.default
            parameters += _options(group, default, words)

    @functools.wraps(command)
    def collect(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})  # pyright: ignore
        command(**given)

    collect.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore
    collect.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return collect


def _group(annotation: Any) -> tuple[type[Group] | None, str | None]:
    """The group that an annotation names, and the words that stand for its defaults."""
    kind, *rest = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if not (isinstance(kind, type) and issubclass(kind, Group)):
        return None, None
    return kind, rest[0] if rest else None


@functools.cache
def _hints(group: type[Group]) -> dict[str, Any]:
    """The types of its options, which take time: each is a text until it is asked for."""
    return get_type_hints(group, include_extras=True)


def _options(group: type[Group], default: Group, words: str | None) -> Iterator[inspect.Parameter]:
    """The options of a group as parameters."""
    for name, annotation in _hints(group).items():
        kind, option = get_args(annotation)
        value = getattr(default, name)
        if words is not None:
            option, value = copy(option), None
            option.show_default = words
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=Annotated[kind, option]
        )
