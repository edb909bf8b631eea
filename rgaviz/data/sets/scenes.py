"""Anyone's own scenes: pictures and labels of their pixels, in two folders by the same names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rgaviz.data.colours import default_colours
from rgaviz.data.labels import MOST_CLASSES, Colour, by_places
from rgaviz.data.names import CLASSES, lines_of
from rgaviz.data.sets.pairs import PARTS, TEST, TRAIN, VAL, Laid, Pair, files_below, paired, scene_dataset
from rgaviz.data.splits import Dataset
from rgaviz.data.windows import IGNORED
from rgaviz.errors import RgavizError, clipped, quoted, words

PICTURES, LABELS = "images", "labels"
NOT_COUNTED = "ignored"  # in place of a name: a colour that stands for no class


class Named(NamedTuple):
    """The classes of a data set.

    Attributes:
        names: of the classes.
        numbers: of the classes in the labels, their places in the list.
        ignored: the numbers there that stand for no class.
        colours: of the classes, as given or by default.
        table: colour -> number or 255, where colours are given.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    ignored: tuple[int, ...]
    colours: tuple[Colour, ...]
    table: dict[Colour, int]


def load_scenes(
    *,
    data_dir: Path | None,
    held_out: float = 0.2,
    classes: Sequence[str] | None = None,
    **options: Any,
) -> Dataset:
    """Your own scenes with labels for their pixels, by --data-dir.

    The folder holds ``train``, ``val`` and ``test``, each with ``images/*`` and ``labels/*.png``, or only those two;
    then a fraction is held out. So it is where there is no ``val`` and no ``test``. ``classes.txt`` names the numbers
    in the labels, a line each from 0 on; with three numbers behind each name it says their colours, too.

    Args:
        data_dir: the folder.
        held_out: fraction held out to measure on, drawn with a fixed seed.
        classes: their names, in place of the file.
        options: of :func:`rgaviz.data.sets.pairs.scene_dataset`.

    Raises:
        RgavizError: no such folder, no names, too few scenes, or pictures without labels.
    """
    return scene_dataset(laid_out(data_dir, held_out, classes), **options)


def laid_out(data_dir: Path | None, held_out: float = 0.2, classes: Sequence[str] | None = None) -> Laid:
    """The files of the data set; arguments and errors as of :func:`load_scenes`."""
    if data_dir is None:
        raise RgavizError(
            f"The data set scenes needs --data-dir DIR, the folder with {PICTURES}/ and {LABELS}/."
        )
    if not data_dir.is_dir():
        raise RgavizError(f"{data_dir} is not a folder. Give the one with your scenes with --data-dir.")
    named = given_classes(classes) if classes is not None else read_class_names(data_dir / CLASSES)
    pairs, notes = find_pairs(data_dir, held_out)
    hint = f"name more of them in {CLASSES}, or save the number of its class for each pixel, 255 where there is none."
    return Laid(
        "scenes",
        pairs,
        by_places(named.numbers, named.ignored, hint=hint, colours=named.table),
        classes=named.names,
        colours=named.colours,
        ids=named.numbers,
        notes=notes,
        source=f"image files in {clipped(data_dir.absolute().name)}",
    )


def find_pairs(data_dir: Path, held_out: float) -> tuple[dict[str, list[Pair]], list[str]]:
    """The scenes of each part, and what there is to tell; arguments and errors as :func:`load_scenes`."""
    pairs: dict[str, list[Pair]] = {}
    notes: list[str] = []
    parts = [part for part in PARTS if (data_dir / part / PICTURES).is_dir()]
    for part in parts or [TRAIN]:
        folder = data_dir / part if parts else data_dir
        pairs[part], more = _pairs_in(folder, data_dir, optional=part == TEST)
        notes += more
    if TRAIN in pairs and len(pairs) == 1:
        pairs[VAL], pairs[TRAIN] = _divided(pairs[TRAIN], held_out, data_dir)
    if VAL not in pairs:
        if any(pair.labels is None for pair in pairs[TEST]):
            raise RgavizError(f"{data_dir} has no labels to measure on: add {VAL}/, or {TEST}/{LABELS}/.")
        pairs[VAL] = pairs[TEST]
        notes.append(f"there is no {VAL}/: {TEST}/ is measured on in its place.")
    return pairs, notes


def _pairs_in(folder: Path, root: Path, optional: bool) -> tuple[list[Pair], list[str]]:
    """The scenes of one folder; where ``optional``, labels may be missing altogether."""
    pictures, labels = folder / PICTURES, folder / LABELS
    if not pictures.is_dir():
        raise RgavizError(
            f"{folder} has neither {PICTURES}/ and {LABELS}/ nor {TRAIN}/ with them: give the folder of your scenes by "
            "--data-dir."
        )
    shown = files_below(pictures, root)
    if not shown:
        raise RgavizError(f"{pictures} has no pictures: put some there.")
    if optional and not labels.exists():
        return paired(shown, None, root, "")
    marked = files_below(labels, root, ".png") if labels.is_dir() else {}
    return paired(shown, marked, root, f"{labels.relative_to(root).as_posix()}/{{}}.png")


def _divided(pairs: Sequence[Pair], held_out: float, root: Path) -> tuple[list[Pair], list[Pair]]:
    """Those held out, drawn with a fixed seed, and the others."""
    count = max(1, round(held_out * len(pairs)))
    if count >= len(pairs):
        raise RgavizError(f"{root} has {len(pairs)} scenes, too few to hold out {count} of them; add some.")
    chosen = set(np.random.default_rng(0).permutation(len(pairs))[:count].tolist())
    return [pairs[index] for index in sorted(chosen)], [
        pair for index, pair in enumerate(pairs) if index not in chosen
    ]


def given_classes(classes: Any) -> Named:
    """Names of classes as a caller gives them.

    Raises:
        RgavizError: none, or not such as can be told apart.
    """
    names = [str(each).strip() for each in words(classes, "Classes", "road")]
    return _named([(name, None) for name in names], "classes")


def read_class_names(path: Path) -> Named:
    """The classes in a file: a line each from 0 on, a name or a name and its colour, such as ``road 128 64 128``.

    A line ``ignored`` is no class: pixels of its number do not count, nor, with ``ignored R G B``, of that colour.
    Empty lines, and those that begin with ``#``, do not count.

    Raises:
        RgavizError: no such file, or it is not like that.
    """
    if not path.exists():
        raise RgavizError(
            f"{path} is not there: write the names of the classes, a line each, from number 0 on."
        )
    lines = [line for line in lines_of(path) if line and not line.startswith("#")]
    if len(lines) == 1 and "," in lines[0]:
        raise RgavizError(f"{path}: {clipped(lines[0])} is one line; write a line for each class.")
    return _named([_parsed(line, str(path)) for line in lines], str(path))


def _parsed(line: str, where: str) -> tuple[str, Colour | None]:
    """A name, and its colour where three numbers from 0 to 255 stand behind it."""
    name, *numbers = line.rsplit(maxsplit=3)
    if len(numbers) < 3 or not all(each.isascii() and each.isdigit() for each in numbers):
        return line, None
    if any(len(each) > 3 or int(each) > 255 for each in numbers):
        raise RgavizError(f"{where}: {clipped(line)} is no colour; write R G B as numbers from 0 to 255.")
    red, green, blue = map(int, numbers)
    return name, (red, green, blue)


def _named(given: Sequence[tuple[str, Colour | None]], where: str) -> Named:
    numbers = tuple(number for number, (name, _) in enumerate(given) if name != NOT_COUNTED)
    ignored = tuple(number for number, (name, _) in enumerate(given) if name == NOT_COUNTED)
    names = tuple(given[number][0] for number in numbers)
    colours = tuple(colour for colour in (given[number][1] for number in numbers) if colour is not None)
    if not 2 <= len(names) <= MOST_CLASSES:
        raise RgavizError(
            f"{where}: there are {len(names)} names; give 2 to {MOST_CLASSES}, from number 0 on."
        )
    if numbers[-1] >= MOST_CLASSES:
        raise RgavizError(
            f"{where}: {clipped(names[-1])} has the number {numbers[-1]}; move lines '{NOT_COUNTED}' behind it."
        )
    if "" in names or len(set(names)) < len(names):
        wrong = next(name for name in names if not name or names.count(name) > 1)
        raise RgavizError(
            f"{where}: the name {quoted(wrong)} is empty or there twice; name each number anew."
        )
    if not colours:
        return Named(names, numbers, ignored, default_colours(len(names)), {})
    if any(colour is None for _, colour in given):
        bare = next(name for name, colour in given if colour is None)
        raise RgavizError(
            f"{where}: {clipped(bare)} has no colour, but others have; write R G B behind each name."
        )
    table: dict[Colour, int] = {}
    for place, (name, colour) in enumerate(given):
        number = IGNORED if name == NOT_COUNTED else place
        if colour is not None and table.setdefault(colour, number) != number:
            raise RgavizError(f"{where}: two classes have the colour {colour}; give each its own.")
    return Named(names, numbers, ignored, colours, table)
