"""What networks are called in a figure: by the names that the user gives them, else by those of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rgaviz.errors import RgavizError, clipped
from rgaviz.figures.style import FigureOptions
from rgaviz.results.manifest import Line, Panel
from rgaviz.results.reader import Results

MINUS = " − "  # between the networks in the title of a difference


def called(results: Results, options: FigureOptions) -> dict[str, str]:
    """The name of each network by its id.

    Raises:
        RgavizError: another number of names than of networks.
    """
    ids = [str(each.get("id", "")) for each in results.manifest.checkpoints]
    check_names(options.names, ids)
    return dict(zip(ids, options.names or ids, strict=True))


def check_names(names: Sequence[str], ids: Sequence[str]) -> None:
    """Refuse another number of names than of networks.

    Raises:
        RgavizError: it is.
    """
    if names and len(names) != len(ids):
        raise RgavizError(
            f"--names has {len(names)} names for {len(ids)} networks ({clipped(', '.join(ids))}): give one "
            f"for each."
        )


def renamed(results: Results, options: FigureOptions) -> Results:
    """The results with the networks' names in titles and captions; maps and files keep the ids."""
    if not options.names:
        return results
    names = called(results, options)
    titles = [titled(title, names) for title in results.manifest.titles]
    rows = [[_renamed_panel(panel, names) for panel in row] for row in results.manifest.rows]
    return replace(results, manifest=results.manifest.model_copy(update={"titles": titles, "rows": rows}))


def _renamed_panel(panel: Panel, names: Mapping[str, str]) -> Panel:
    """A panel whose lines name networks: a query says by which it is ranked, a difference where a fault is."""
    by = str(panel.values.get("network"))
    whose = [ref.checkpoint for ref in (panel.map, panel.minus) if ref] if panel.kind == "difference" else []
    ends = [[each] for each in whose] + ([whose] if len(whose) > 1 else [])
    tails = {_tail(each): _tail([names.get(part, part) for part in each]) for each in ends}

    def told(line: Line) -> Line:
        if by in names and line.text == by:
            return line.model_copy(update={"text": names[by]})
        found = max((tail for tail in tails if line.text.endswith(tail)), key=len, default="")
        kept = line.text.removesuffix(found)
        return line.model_copy(update={"text": kept + tails[found]}) if found else line

    return panel.model_copy(update={"lines": [told(line) for line in panel.lines]})


def _tail(whose: Sequence[str]) -> str:
    return f" in {' and '.join(whose)}"


def titled(title: str, names: Mapping[str, str]) -> str:
    """A title that begins with the id of a network, or has several with a minus between, with names instead."""

    def part(text: str) -> str:
        known = [each for each in names if each and (text == each or text.startswith(f"{each} "))]
        longest = max(known, key=len, default="")
        return names[longest] + text[len(longest) :] if longest else text

    return MINUS.join(map(part, title.split(MINUS)))
