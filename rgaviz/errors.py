"""What can go wrong for a user, and the one way to look a name up."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")
LISTED = 120  # names in a message at most; all of CIFAR-100's, not all of ImageNet's


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


def one_line(error: object) -> str:
    """Somebody else's message as a part of ours: in one line, and not too long."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def unknown_name(name: str, options: Iterable[str], kind: str) -> UnknownNameError:
    """The error for a name that is not among ``options``: the nearest one first, then all of them."""
    known = sorted(options)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return UnknownNameError(
        f"Unknown {kind} {name!r}. {hint}Choose one of: {', '.join(known[:LISTED])}{more}."
    )


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
