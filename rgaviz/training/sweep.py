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
    if not all(word.isdecimal() and len(word) <= 10 and int(word) < 2**32 for word in words):
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

    Args:
        settings: of each recipe, by its name.
        seeds: of weights, order and augmentation.
        dataset: names, with commas; by default that of each recipe.
        out: folder of all runs.

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
            for each in dict.fromkeys(word.strip() for word in (dataset or own_dataset(stem)).split(",")):
                lookup(DATASETS, each, "data set")
                yield Run(each, stem, settings[name], seed, out / each / stem / f"seed{seed}")


def own_dataset(recipe: str) -> str:
    """The data set of a recipe: the one it is called after, such as ``market1501-small``, else ``cifar10``."""
    from rgaviz.data.sets import DATASETS

    named = [name for name in DATASETS if f"{recipe}-".startswith(f"{name}-")]
    return max(named, key=len, default="cifar10")


def refuse_unbuildable(settings: dict[str, Recipe]) -> None:
    """Refuse a sweep with a network that cannot be built, before the first one is trained.

    Raises:
        RgavizError: a map is too small for an attention, or an option impossible; the message names the recipe.
    """
    from rgaviz.errors import RgavizError
    from rgaviz.models.network import shapes_only
    from rgaviz.training.network import build_fresh

    for name, recipe in settings.items():
        for attention in recipe.model.attention:
            try:
                with shapes_only():
                    build_fresh(recipe, attention, 2, **recipe.model.options)
            except RgavizError as error:
                raise RgavizError(f"Recipe {name}, attention {attention}: {error}") from error


def own_pattern(pattern: str | None, dataset: str) -> str | None:
    """The pattern of names for a data set that takes one."""
    from rgaviz.data.sets import NAMED_BY_PATTERN

    return pattern if dataset in NAMED_BY_PATTERN else None


def own_folder(data_dir: Path | None, dataset: str) -> Path | None:
    """The folder of one data set: below ``--data-dir`` by its name, else that itself; none for a generated one."""
    from rgaviz.data.sets import reads_folders

    if not reads_folders(dataset):
        return None
    if data_dir is not None and (data_dir / dataset).is_dir():
        return data_dir / dataset
    return data_dir
