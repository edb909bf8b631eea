"""Text that fits: what the fonts can draw, how wide it is, where it breaks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import matplotlib
from matplotlib import font_manager
from matplotlib.textpath import text_to_path

from rgaviz.figures.fonts import drawable, font_to_install, note_lacking

SHOWN = 3  # signs told of those that are lacking
LONGEST = 5000  # signs: more than fit into all lines of the widest figure


def printable(text: str) -> str:
    """The text on one line, with ``U+732B``, say, for what the fonts lack (matplotlib would warn and draw a box).

    So two names never look alike.
    """
    known = drawable()
    line = " ".join(text[:LONGEST].split())
    lacking = [sign for sign in line if ord(sign) not in known]
    if not lacking:
        return line
    note_lacking(lacking)
    return "".join(sign if ord(sign) in known else f"U+{ord(sign):04X} " for sign in line).strip()


def told_lacking(signs: Iterable[str]) -> str:
    """What a reader must know of signs that no font has; "" of none."""
    some = list(signs)
    if not some:
        return ""
    named = ", ".join(f"{sign} U+{ord(sign):04X}" for sign in some[:SHOWN] if sign.isprintable())
    more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
    fonts = list(dict.fromkeys(font for sign in some if (font := font_to_install(sign))))
    mend = f"install {' and '.join(fonts[:SHOWN])}, or " if fonts else ""
    return (
        f"no font here has {len(some)} sign{'s' if len(some) > 1 else ''} of the figure ({named}{more}), which stand "
        f"there by their numbers; {mend}write names in Latin letters with --names."
    )


@lru_cache(maxsize=4096)
def _text_inches(text: str, points: float, family: tuple[str, ...]) -> float:
    font = font_manager.FontProperties(family=list(family), size=points)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def text_inches(text: str, points: float) -> float:
    """The width of a line of text in the current style."""
    return _text_inches(text, points, tuple(matplotlib.rcParams["font.family"]))


def wrap_text(text: str, inches: float, points: float, lines: int = 4) -> list[str]:
    """Break a text into at most ``lines`` lines that fit, in the current style.

    Breaks at spaces; a word that is too long alone is broken behind a hyphen, underscore, dot or slash, else where
    it must be, and what is left over is cut with an ellipsis.
    """
    wrapped = [""]
    for word in printable(text).split():
        if len(wrapped) > lines:
            break
        joined = f"{wrapped[-1]} {word}".strip()
        if text_inches(joined, points) <= inches:
            wrapped[-1] = joined
            continue
        if wrapped[-1]:
            wrapped.append("")
        for sign in word:
            if len(wrapped) > lines:
                break
            if wrapped[-1] and text_inches(wrapped[-1] + sign, points) > inches:
                kept, carried = _broken(wrapped[-1])
                fits = text_inches(carried + sign, points) <= inches
                wrapped[-1:] = [kept, carried] if fits else [wrapped[-1], ""]
            wrapped[-1] += sign
    if len(wrapped) > lines:
        last = wrapped[lines - 1]
        while last and text_inches(f"{last}…", points) > inches:
            last = last[:-1]
        wrapped[lines - 1 :] = [f"{last}…"]
    return wrapped


def _broken(line: str) -> tuple[str, str]:
    """A line that is full, behind its last joint if it has one, and what goes to the next line."""
    cut = max(line.rfind(joint) for joint in "-_./") + 1
    return (line[:cut], line[cut:]) if cut else (line, "")
