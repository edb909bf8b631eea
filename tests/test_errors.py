"""A message is one printable line, whatever names stand in it."""

from __future__ import annotations

import pytest

from rgaviz.analysis.lists import LISTS as TOLD
from rgaviz.errors import (
    LISTS,
    LONGEST,
    CheckpointError,
    RgavizError,
    SeveralFaults,
    UnknownNameError,
    clipped,
    lookup,
    one_line,
    printable,
    quoted,
    shortened,
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
    assert shown >= 10
    assert "more" not in message(names[:10])
    assert message(["n" * 9000]).count("n" * 60) == 1


@pytest.mark.parametrize(("kind", "where"), LISTS.items())
def test_the_command_that_lists_them_all(kind, where):
    assert message([f"name{number:04}" for number in range(1000)], kind).endswith(f"(rgaviz list {where}).")
    assert where in TOLD


PARTS = ["x" * 5000, "a word " * 900, "/long/path" * 400 + "/name.pt", "\x1b[31m" * 900, "x" * 280]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", [RgavizError, CheckpointError, SeveralFaults])
def test_a_message_is_short_and_keeps_its_end(kind, part):
    step = "Give another one with --out, or leave it out and take what is there."
    message = str(kind(f"run.pt: {part} cannot be read. {step}"))
    assert message.isprintable()
    assert len(f"Error: {message}") <= LONGEST
    assert message.startswith("run.pt: ")
    assert message.endswith(f" cannot be read. {step}")
    again = str(kind(f"{part}: {message}"))  # who passes it on says of what it speaks
    assert len(f"Error: {again}") <= LONGEST
    assert again.endswith(step)


def test_of_a_path_the_file_is_kept_and_a_short_message_is_left():
    path = f"/{'folder/' * 30}name.pt"
    message = shortened(f"{path} cannot be read: {'why ' * 20}. Copy it again.")
    assert len(message) == LONGEST
    assert "older/name.pt cannot be read: why why" in message
    assert message.startswith("/folder/folder")
    assert shortened("a" * LONGEST) == "a" * LONGEST
    assert len(shortened("a" * (LONGEST + 1))) == LONGEST


@pytest.mark.parametrize("length", [20, 150, 200, 1000])
@pytest.mark.parametrize("reason", ["No room.", f"Cannot write {'/long/path' * 40}: no room. Go on with:"])
def test_a_command_to_paste_stands_whole(length, reason):
    typed = f"rgaviz redraw '{'a' * (length - 16)}'"
    message = str(RgavizError(reason, typed=typed))
    assert message.endswith(f" {typed}")
    assert message.startswith(reason[:8])
    assert len(f"Error: {message}") <= max(LONGEST, length + 100)
    assert shortened(reason, typed=typed).endswith(f" {typed}")


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 2000])
@pytest.mark.parametrize("length", [20, 100, 200, 500])
def test_several_faults(count, length):
    faults = [f"fault {number} {'is ' * (length // 3)}there; mend it." for number in range(count)]
    error = SeveralFaults(*faults)
    message = str(error)
    assert error.faults == tuple(faults)
    assert len(f"Error: {message}") <= LONGEST
    more = message.partition(" And ")[2]
    assert message.count("there; mend it.") + int(more.split()[0] if more else 0) == count
