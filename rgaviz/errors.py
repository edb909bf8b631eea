"""What can go wrong for a user, and the one way to look a name up."""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")
LONGEST = 300  # characters of a line that is told
LONGEST_ERROR = LONGEST - len("Error: ")
LONGEST_LIST = 240  # characters of a message as far as what it lists: some are told with more before them
LONGEST_PART = 80  # characters of a name or value from a file in a message
LONGEST_REASON = 90  # characters of a message that always have room before a command to be pasted
SHORTEST_WORD = 40  # characters that are left of a long word where a message is too long
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


def shortened(text: object, most: int = LONGEST, typed: str = "") -> str:
    """A message as one printable line of bounded length.

    What is too long loses its middle, for the next step stands at the end: first the longest words, such as paths of
    files, as far as must be, then the message.

    Args:
        text: the message.
        most: characters of the line.
        typed: a command that ends it, which stands whole, for it is to be pasted; one that is nearly as long as the
            line alone makes the line longer.
    """
    if typed:
        return f"{shortened(text, max(most - len(typed) - 1, LONGEST_REASON))} {printable(typed)}"
    line = printable(text)
    while (excess := len(line) - most) > 0:
        words = line.split(" ")
        place = max(range(len(words)), key=lambda each: len(words[each]))
        if len(words[place]) <= SHORTEST_WORD:
            return _without_middle(line, most, " ... ")
        words[place] = _without_middle(words[place], max(len(words[place]) - excess, SHORTEST_WORD), "...")
        line = " ".join(words)
    return line


def _without_middle(text: str, most: int, gap: str) -> str:
    end = most * 3 // 5
    return f"{text[: most - len(gap) - end].rstrip()}{gap}{text[-end:].lstrip()}"


class RgavizError(Exception):
    """A fault the user can mend. The message is one printable line of bounded length and names the next step.

    Args:
        message: what is wrong.
        typed: a command that mends it, put at the end as it is to be pasted.
    """

    def __init__(self, message: object = "", typed: str = "") -> None:
        super().__init__(shortened(message, LONGEST_ERROR, typed))


class SeveralFaults(RgavizError):
    """Several faults that are told in one line, each a sentence with its own next step.

    Attributes:
        faults: all of them.
    """

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__(together(faults))


class UnknownNameError(RgavizError):
    """A name that is in no registry."""


class PictureError(RgavizError):
    """A picture that cannot be read."""


class CheckpointError(RgavizError):
    """A checkpoint that cannot be loaded."""


class Elsewhere(RgavizError):
    """This process, one of several, has done its share of the work, and another one has the answer: no fault."""


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
    return clipped(error, 120) or type(error).__name__


def words(given: Any, what: str, example: str) -> list[Any]:
    """Names or paths that a function was given: several as a list, or one that stands for itself.

    Args:
        given: what the caller wrote.
        what: it is, for the message, such as ``"Checkpoints"``.
        example: one of them.

    Raises:
        RgavizError: neither.
    """
    if isinstance(given, str | os.PathLike):
        return [given]
    several = list(given) if isinstance(given, Iterable) and not isinstance(given, bytes) else None
    if several is None:
        raise RgavizError(f"{what} are a list, or one alone, not {kind_of(given)}; give {example!r}, say.")
    for each in several:
        if not isinstance(each, str | os.PathLike):
            raise RgavizError(
                f"{what} are names, or paths, and {kind_of(each)} is none; give {example!r}, say."
            )
    return several


def kind_of(thing: object) -> str:
    """What kind of thing a caller gave, in words."""
    return "None" if thing is None else f"a value of type {clipped(type(thing).__name__)}"


def first_that_fit(parts: Iterable[str], most: int, between: str = ", ") -> list[str]:
    """The first parts that a line of ``most`` characters holds, at least one."""
    kept: list[str] = []
    for part in parts:
        if kept and len(between.join([*kept, part])) > most:
            break
        kept.append(part)
    return kept


def together(faults: Sequence[str], before: str = "") -> str:
    """As many faults as fit into a message after ``before``, at least the first, and how many more there are."""
    most = LONGEST_ERROR - len(before) - len(" And 1000 more faults.")
    if len(" ".join(faults)) <= LONGEST_ERROR - len(before):
        return f"{before}{' '.join(faults)}"
    kept = first_that_fit(faults, most, " ")
    left = len(faults) - len(kept)
    more = f" And {left} more fault{'s' if left > 1 else ''}." if left else ""
    return f"{before}{shortened(' '.join(kept), max(most, LONGEST_PART))}{more}"


def first_of(faults: Sequence[str]) -> str:
    """The first of several faults, and how many more there are."""
    return f"{faults[0]} (and {len(faults) - 1} more)" if len(faults) > 1 else faults[0]


def unknown_name(name: str, options: Iterable[str], kind: str) -> UnknownNameError:
    """The error for a name that is not among ``options``: the nearest one first, then as many as fit."""
    known = sorted(options)
    near = difflib.get_close_matches(str(name)[:LONGEST_PART], known, n=1)
    hint = f"Did you mean {quoted(near[0])}? " if near else ""
    before = f"Unknown {kind} {quoted(name)}. {hint}Choose one of: "
    shown = first_that_fit(map(clipped, known), LONGEST_LIST - len(before))
    where = f" (rgaviz list {LISTS[kind]})" if kind in LISTS else ""
    left = len(known) - len(shown)
    return UnknownNameError(f"{before}{', '.join(shown)}{f' and {left} more{where}' if left else ''}.")


def lookup(table: Mapping[str, Value], name: str, kind: str) -> Value:
    """``table[name]``, or an :class:`UnknownNameError` that lists what there is.

    Args:
        table: a registry.
        name: what the user wrote.
        kind: what the name stands for, e.g. ``"attention"``; used in the message.
    """
    if not isinstance(name, str) or name not in table:
        raise unknown_name(name, table, kind)
    return table[name]
