"""A message is one printable line, whatever names stand in it."""

from __future__ import annotations

import pytest

from rgaviz.errors import CheckpointError, RgavizError, UnknownNameError, lookup, printable


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
