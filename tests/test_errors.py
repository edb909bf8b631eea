"""A message is one printable line, whatever names stand in it."""

from __future__ import annotations

import pytest

from rgaviz.analysis.lists import LISTS as TOLD
from rgaviz.errors import (
    LISTS,
    CheckpointError,
    RgavizError,
    UnknownNameError,
    clipped,
    lookup,
    one_line,
    printable,
    quoted,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain, Ä and 猫", "plain, Ä and 猫"),
        ("two\nlines\tand\r", r"two\nlines\tand\r"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("not \ud800 text", r"not \ud800 text"),
        ("turned \u202e round", r"turned \u202e round"),
    ],
)
def test_printable(text, told):
    assert printable(text) == told
    for kind in (RgavizError, CheckpointError):
        assert str(kind(text)) == told


def test_unknown_names_too():
    with pytest.raises(UnknownNameError) as caught:
        lookup({"a": 1}, "a\x1b[2J\n", "thing")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("cut", [clipped, quoted, one_line])
@pytest.mark.parametrize("value", ["x" * 5000, "\x1b" * 5000, "\ud800\n" * 5000, ["x" * 500] * 500, 10**1000])
def test_a_part_from_a_file_is_short_and_printable(cut, value):
    assert len(cut(value)) <= 160
    assert cut(value).isprintable()


def message(names, kind="thing", name="b" * 5000):
    with pytest.raises(UnknownNameError) as caught:
        lookup(dict.fromkeys(names), name, kind)
    return str(caught.value)


def test_as_many_names_are_listed_as_fit():
    names = [f"name{number:04}" for number in range(1000)]
    told = message(names)
    shown, left = told.count("name0"), int(told.split(" and ")[1].split(" more")[0])
    assert shown + left == 1000
    assert shown >= 25
    assert len(told) < 500
    assert "more" not in message(names[:25])
    assert message(["n" * 9000]).count("n" * 60) == 1


@pytest.mark.parametrize(("kind", "where"), LISTS.items())
def test_the_command_that_lists_them_all(kind, where):
    assert message([f"name{number:04}" for number in range(1000)], kind).endswith(f"(rgaviz list {where}).")
    assert where in TOLD
