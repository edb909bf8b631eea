"""Many trainings, what is done already left alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import RgavizError, words
from rgaviz.outputs import given_place

if TYPE_CHECKING:
    from rgaviz.training.config import Recipe
    from rgaviz.training.report import Report


@dataclass(frozen=True)
class Swept:
    """What came of a sweep.

    Attributes:
        out: the folder; each run is in ``<dataset>/<recipe>/seed<N>`` below it.
        networks: the last row of each network, with its data set, recipe and seed.
        failures: a line for each run that failed.
    """

    out: Path
    networks: list[dict[str, Any]]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "out": str(self.out)}


def sweep(
    recipes: Path | str | Sequence[Path | str] | Mapping[str, Recipe],
    out: Path | str = "runs/sweep",
    *,
    seeds: Sequence[int] = (0,),
    dataset: str | None = None,
    device: str = "auto",
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    command_line: str = "",
    report: Report | None = None,
) -> Swept:
    """Train every recipe on every data set with every seed, as ``rgaviz sweep`` does; what is done is left alone.

    Args:
        recipes: names or ``.toml`` files; or such names with what
            :func:`rgaviz.training.start.recipe_settings` makes of them and of changes.
        out: folder; each run is in ``<dataset>/<recipe>/seed<N>`` below it.
        seeds: of weights, order and augmentation.
        dataset: keys of ``rgaviz.data.sets.DATASETS``, with commas; by default the one that the recipe is called
            after, else ``cifar10``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        data_dir: where the images are, or folders of them called after their data set.
        pattern: for ``reid-folder``, as :func:`rgaviz.train` takes it.
        command_line: recorded in the checkpoints, and told where a run is stopped.
        report: who listens; nobody by default.

    Raises:
        RgavizError: no such recipe or data set, a network that cannot be built, a pattern that no data set takes, or
            two runs that would share a folder; before any is run.
    """
    from rgaviz.analysis.train import train
    from rgaviz.data.sets import NAMED_BY_PATTERN, load_dataset
    from rgaviz.training.report import Silent
    from rgaviz.training.start import settings_of
    from rgaviz.training.sweep import checked_seeds, own_folder, own_pattern, planned, refuse_unbuildable

    place = given_place(out)
    named: Mapping[Any, Any] = (
        recipes
        if isinstance(recipes, Mapping)
        else {str(name): name for name in words(recipes, "Recipes", "cifar10")}
    )
    settings = {str(name): settings_of(recipe) for name, recipe in named.items()}
    runs = list(planned(settings, checked_seeds(seeds), dataset, place))
    if pattern is not None and not any(own_pattern(pattern, run.dataset) for run in runs):
        raise RgavizError(
            f"--pattern is for {', '.join(NAMED_BY_PATTERN)}, which is not trained here; drop it."
        )
    refuse_unbuildable(settings)
    listener = report or Silent()
    load = functools.lru_cache(maxsize=2)(load_dataset)  # runs share the images
    swept = Swept(place, [], [])
    for number, run in enumerate(runs, start=1):
        title = f"{run.dataset}, {run.recipe}, seed {run.seed}"
        listener.say(f"[{number} of {len(runs)}] {title}")
        try:
            trained = train(
                run.dataset,
                run.settings,
                run.out,
                seed=run.seed,
                device=device,
                data_dir=own_folder(None if data_dir is None else Path(data_dir), run.dataset),
                pattern=own_pattern(pattern, run.dataset),
                resume=True,
                command_line=command_line,
                again=command_line,
                report=listener,
                load=load,
            )
        except RgavizError as error:
            listener.say(f"Error: {title}: {error}")
            swept.failures.append(f"{title}: {error}")
            continue
        where = {"dataset": run.dataset, "recipe": run.recipe, "seed": run.seed}
        swept.networks.extend({**where, **row} for row in trained.networks)
    return swept
