"""The runs of a sweep: which there are, and where each has its folder and its images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rgaviz.training.config import Recipe


class Run(NamedTuple):
    """One training of a sweep, in a folder of its own."""

    dataset: str
    recipe: str
    settings: Recipe
    seed: int
    out: Path


def parse_seeds(text: str) -> list[int]:
    """``"0,1,2"`` as numbers.

    Raises:
        RgavizError: not whole numbers from 0 on.
    """
    from rgaviz.errors import RgavizError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) < 2**32 for word in words):
        raise RgavizError(f"--seeds {text} are not whole numbers; give them with commas: --seeds 0,1,2")
    return checked_seeds([int(word) for word in words], "--seeds")


def checked_seeds(seeds: Any, called: str = "seeds") -> list[int]:
    """Seeds as a list of whole numbers, each once.

    Raises:
        RgavizError: they are none.
    """
    from rgaviz.errors import RgavizError, quoted

    several = list(seeds) if isinstance(seeds, Iterable) and not isinstance(seeds, str | Mapping) else []
    if not several or not all(type(seed) is int and 0 <= seed < 2**32 for seed in several):
        raise RgavizError(
            f"{called} {quoted(seeds)} are not whole numbers from 0 on; give a list such as 0, 1, 2."
        )
    twice = [seed for seed in dict.fromkeys(several) if several.count(seed) > 1]
    if twice:
        raise RgavizError(f"{called} name {twice[0]} twice, which would be one run; name each once.")
    return several


def planned(
    settings: dict[str, Recipe], seeds: Sequence[int], dataset: str | None, out: Path
) -> Iterator[Run]:
    """Every run: seeds outermost, so that an unfinished sweep has whole rows with fewer seeds.

    Raises:
        RgavizError: no such data set, or two recipes that would share a folder.
    """
    from rgaviz.data.sets import DATASETS
    from rgaviz.errors import RgavizError, lookup

    stems = {name: Path(name).stem if name.endswith(".toml") else name for name in settings}
    for name, stem in stems.items():
        if list(stems.values()).count(stem) > 1:
            raise RgavizError(
                f"Two recipes are called {stem}; rename {name}, their runs would share a folder."
            )
    for seed in seeds:
        for name, stem in stems.items():
            own = stem if stem in DATASETS else "cifar10"
            for each in dict.fromkeys(word.strip() for word in (dataset or own).split(",")):
                lookup(DATASETS, each, "data set")
                yield Run(each, stem, settings[name], seed, out / each / stem / f"seed{seed}")


def own_folder(data_dir: Path | None, dataset: str) -> Path | None:
    """The folder of one data set: below ``--data-dir`` by its name, else that itself; none for a generated one."""
    from rgaviz.data.sets import GENERATED

    if dataset in GENERATED:
        return None
    if data_dir is not None and (data_dir / dataset).is_dir():
        return data_dir / dataset
    return data_dir
