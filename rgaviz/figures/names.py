"""What networks are called in a figure: by the names that the user gives them, else by those of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rgaviz.errors import RgavizError, clipped
from rgaviz.figures.style import FigureOptions
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
    """The results with the networks' names in the titles; maps and files keep the ids."""
    if not options.names:
        return results
    names = called(results, options)
    titles = [titled(title, names) for title in results.manifest.titles]
    return replace(results, manifest=results.manifest.model_copy(update={"titles": titles}))


def titled(title: str, names: Mapping[str, str]) -> str:
    """A title that begins with the id of a network, or has several with a minus between, with names instead."""

    def part(text: str) -> str:
        known = [each for each in names if each and (text == each or text.startswith(f"{each} "))]
        longest = max(known, key=len, default="")
        return names[longest] + text[len(longest) :] if longest else text

    return MINUS.join(map(part, title.split(MINUS)))
