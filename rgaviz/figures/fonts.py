"""Fonts for signs that those of a figure lack: one that is installed and has them, else its name to install."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib import font_manager

USUAL = ("STIXGeneral", "DejaVu Sans")
# Nothing can be read in fonts of boxes, or of coloured pictures, which matplotlib leaves blank.
UNREADABLE = ("last resort", "emoji", "barcode")
OF_SCRIPT = {
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"), "Noto Sans CJK"),
    "KANGXI": "Noto Sans CJK",
}


class Signs(NamedTuple):
    """Of the texts of a figure the signs that its usual fonts lack.

    Attributes:
        families: the further fonts that have some of them, in order.
        lacking: those that no font has, in the order in which they were met.
    """

    families: tuple[str, ...]
    lacking: dict[str, None]


_signs: ContextVar[Signs | None] = ContextVar("signs", default=None)


@contextmanager
def fonts_for(found: object) -> Iterator[Signs]:
    """Within the block figures have further fonts, where the usual ones lack signs of some texts.

    Args:
        found: the texts, as plain data of any depth.
    """
    signs = Signs(tuple(_families(_beyond(found))), {})
    token = _signs.set(signs)
    try:
        yield signs
    finally:
        _signs.reset(token)


def further_families() -> tuple[str, ...]:
    """The fonts beside the usual ones, in this block."""
    signs = _signs.get()
    return () if signs is None else signs.families


def note_lacking(signs: Iterable[str]) -> None:
    """Remember what no font has."""
    found = _signs.get()
    if found is not None:
        found.lacking.update(dict.fromkeys(signs))


def drawable() -> frozenset[int]:
    """What the usual fonts, and in this block the further ones, can draw."""
    return _drawable((*USUAL, *further_families()))


@lru_cache
def _drawable(families: tuple[str, ...]) -> frozenset[int]:
    return frozenset().union(*map(_signs_of, families))


@lru_cache(maxsize=4096)
def _signs_of(family: str) -> frozenset[int]:
    """What the font of a family can draw; nothing where it is damaged or of bitmaps."""
    with suppress(OSError, RuntimeError, ValueError):
        # As matplotlib will find it, which knows families by name alone.
        font = font_manager.get_font(font_manager.findfont(family, fallback_to_default=False))
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    return frozenset()


def _beyond(found: object) -> set[str]:
    """The signs of plain data that the usual fonts lack."""
    if isinstance(found, str):
        known = frozenset() if found.isascii() else _drawable(USUAL)
        return set() if found.isascii() else {sign for sign in found if ord(sign) not in known}
    if isinstance(found, dict):
        return _beyond([*found, *found.values()])
    parts: Iterable[Any] = found if isinstance(found, list | tuple) else ()
    return set().union(*map(_beyond, parts))


def _families(signs: set[str]) -> list[str]:
    """Installed fonts that have as many of the signs as can be had, the one with most first."""
    left = {ord(sign) for sign in signs if not sign.isspace() and sign.isprintable()}
    chosen: list[str] = []
    for look in (None, _look_again) if left else ():
        if look is not None and left:
            look()
        candidates = _candidates()
        while left:
            most = max((len(left & _signs_of(name)) for name in candidates), default=0)
            if not most:
                break
            best = min((name for name in candidates if len(left & _signs_of(name)) == most), key=_rank)
            chosen.append(best)
            left -= _signs_of(best)
    return chosen


def _candidates() -> list[str]:
    """Installed families but matplotlib's own, which are for formulas."""
    own = matplotlib.get_data_path()
    names = {entry.name for entry in font_manager.fontManager.ttflist if not entry.fname.startswith(own)}
    return sorted(name for name in names if not any(word in name.lower() for word in UNREADABLE))


def _rank(family: str) -> tuple[bool, str]:
    """TrueType first: PDF files of venues have such fonts."""
    path = Path(str(font_manager.findfont(family, fallback_to_default=False)))
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"ttcf":  # several fonts: the first one's kind
            file.seek(int.from_bytes(head[12:16], "big"))
            head = file.read(4)
    return head[:4] == b"OTTO", family


def _look_again() -> None:
    """Fonts installed since matplotlib made its list."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(font_manager.findSystemFonts()):
        if path not in known:
            with suppress(Exception):  # a damaged font can raise nearly anything
                font_manager.fontManager.addfont(path)


def font_to_install(sign: str) -> str:
    """A font that has a letter, by its script; "" of what is no letter."""
    if unicodedata.category(sign)[0] not in "LM":
        return ""
    script = unicodedata.name(sign, "").partition(" ")[0]
    return OF_SCRIPT.get(script, f"Noto Sans {script.title()}" if script else "")
