"""What can go wrong for a user, and the one way to look a name up."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

Value = TypeVar("Value")
LONGEST_LIST = 300  # characters of names that a message lists
LONGEST_PART = 80  # characters of a name or value from a file in a message
SHORT = reprlib.Repr()
SHORT.maxstring = LONGEST_PART
LISTS = {  # what a name stands for -> the list of ``rgaviz list`` that has them all
    "arch": "models",
    "attention": "attentions",
    "CAM method": "methods",
    "data set": "datasets",
    "recipe": "recipes",
    "task": "tasks",
    "venue": "venues",
}


def printable(text: object) -> str:
    """A text from a stranger as one that a terminal can show: control characters and the like as Python writes them."""
    signs = (sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text))
    return "".join(signs)


class RgavizError(Exception):
    """A fault the user can mend. The message is one printable line and names the next step."""

    def __init__(self, message: object = "") -> None:
        super().__init__(printable(message))


class UnknownNameError(RgavizError):
    """A name that is in no registry."""


class PictureError(RgavizError):
    """A picture that cannot be read."""


class CheckpointError(RgavizError):
    """A checkpoint that cannot be loaded."""


class OutputError(RgavizError):
    """A result that cannot be written."""


def clipped(part: object, most: int = LONGEST_PART) -> str:
    """A part of a message that comes from a file or another library: one printable line, not too long."""
    text = printable(" ".join(str(part).split()))
    return text if len(text) <= most else f"{text[: most - 3]}..."


def quoted(value: object) -> str:
    """A value from a file as Python writes it, as a part of a message."""
    return clipped(SHORT.repr(value))


def one_line(error: object) -> str:
    """Somebody else's message as a part of ours."""
    return clipped(error, 160) or type(error).__name__


def listed(names: Sequence[str]) -> tuple[str, int]:
    """The first names as a message lists them, at least one, and how many do not fit."""
    fitting, length = 0, 0
    for name in map(clipped, names):
        length += len(name) + 2
        if fitting and length > LONGEST_LIST:
            break
        fitting += 1
    return ", ".join(map(clipped, names[:fitting])), len(names) - fitting


def unknown_name(name: str, options: Iterable[str], kind: str) -> UnknownNameError:
    """The error for a name that is not among ``options``: the nearest one first, then as many as fit."""
    known = sorted(options)
    near = difflib.get_close_matches(str(name)[:LONGEST_PART], known, n=1)
    hint = f"Did you mean {quoted(near[0])}? " if near else ""
    shown, left = listed(known)
    where = f" (rgaviz list {LISTS[kind]})" if kind in LISTS else ""
    more = f" and {left} more{where}" if left else ""
    return UnknownNameError(f"Unknown {kind} {quoted(name)}. {hint}Choose one of: {shown}{more}.")


def lookup(table: Mapping[str, Value], name: str, kind: str) -> Value:
    """``table[name]``, or an :class:`UnknownNameError` that lists what there is.

    Args:
        table: a registry.
        name: what the user wrote.
        kind: what the name stands for, e.g. ``"attention"``; used in the message.
    """
    if name not in table:
        raise unknown_name(name, table, kind)
    return table[name]
