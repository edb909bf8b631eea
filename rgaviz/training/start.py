"""A training from names and options: what is cheap to check is checked before the images are loaded."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.interrupts import Interruption
from rgaviz.outputs import given_place
from rgaviz.own_code import name_own_code
from rgaviz.progress import is_main_process
from rgaviz.training.signals import Interrupted, nothing_lost

if TYPE_CHECKING:
    from rgaviz.data.splits import Dataset
    from rgaviz.training.config import Recipe
    from rgaviz.training.report import Report


# Data sets that are trained by the recipe of another, where none is named.
SHARED_RECIPES = {
    **dict.fromkeys(("cuhk03-detected", "cuhk03-labeled", "dukemtmc", "msmt17", "reid-folder"), "market1501"),
    **dict.fromkeys(("camvid", "scenes"), "camvid-small"),
}


def recipe_settings(
    name: str,
    *,
    attention: str | None = None,
    attention_layers: str | None = None,
    init: str | None = None,
    setting: Sequence[str] | None = None,
    epochs: int | None = None,
    precision: str | None = None,
    compile_: bool = False,
) -> Recipe:
    """A recipe with what the options change; its attentions exist and differ.

    Raises:
        RgavizError: no such recipe, key or attention, or an attention named twice.
    """
    from rgaviz.attention import check_attentions
    from rgaviz.training.config import load_recipe

    overrides = list(setting or [])
    overrides += [f"train.precision={precision}"] if precision else []
    overrides += ["train.compile=true"] if compile_ else []
    recipe = load_recipe(name, overrides, epochs=epochs)
    if attention is not None:
        names = tuple(each.strip() for each in attention.split(","))
        recipe = recipe.changed(model=recipe.model.changed(attention=names))
    if attention_layers is not None:
        layers = tuple(each.strip() for each in attention_layers.split(","))
        recipe = recipe.changed(model=recipe.model.changed(attention_layers=layers))
    if init is not None:
        recipe = recipe.changed(model=recipe.model.changed(pretrained=init))
    check_attentions(recipe.model.attention)
    name_own_code(recipe.model.arch)  # so that what is trained can be gone on with
    return recipe


def settings_of(recipe: Any) -> Recipe:
    """A recipe by its name or file, or settings as they are.

    Raises:
        RgavizError: no such recipe, or something else.
    """
    from rgaviz.errors import RgavizError, kind_of
    from rgaviz.training.config import Recipe

    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str | Path):
        raise RgavizError(
            f"A recipe is a name, a .toml file or settings, not {kind_of(recipe)}; give 'shapes', or what "
            "rgaviz.training.start.recipe_settings makes of it."
        )
    return recipe_settings(str(recipe))


def check_dataset(dataset: str) -> None:
    """Refuse the name of a data set that there is not; for a folder of images, tell what is meant.

    Raises:
        RgavizError: there is none.
    """
    from rgaviz.data.sets import DATASETS
    from rgaviz.errors import RgavizError, clipped, lookup

    if dataset not in DATASETS and isinstance(dataset, str) and Path(dataset).is_dir():
        raise RgavizError(
            f"{clipped(dataset)} is a folder, not a data set; if it has a folder of images for each class, give it so:",
            typed=f"rgaviz train folder --data-dir {shlex.quote(dataset)}",
        )
    lookup(DATASETS, dataset, "data set")


def usual_recipe(dataset: str) -> str:
    """The recipe that a data set is trained with where none is named: the one of its name, or that of its kin.

    Raises:
        RgavizError: no such data set, or it has none.
    """
    from rgaviz.errors import RgavizError
    from rgaviz.training.config import recipe_names

    check_dataset(dataset)
    if dataset in SHARED_RECIPES:
        return SHARED_RECIPES[dataset]
    if dataset not in recipe_names():
        raise RgavizError(
            f"{dataset} has no recipe of its own; name one with --recipe: {', '.join(recipe_names())}."
        )
    return dataset


def run_folder(dataset: str, recipe: Recipe, out: Path | str | None) -> Path:
    """Where a training writes: the folder named, by default one for the data set and the network."""
    return given_place(out) if out is not None else Path("runs") / f"{dataset}-{recipe.model.arch}"


def run_training(
    dataset: str,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    device: str,
    data_dir: Path | None,
    pattern: str | None,
    resume: bool,
    overwrite: bool,
    tensorboard: bool,
    command_line: str,
    report: Report,
    load: Callable[..., Dataset] | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """Check everything that is cheap to check, then train; returns the last rows and the name of the task.

    The arguments are those of :func:`rgaviz.analysis.train.train`, settled.
    """
    with nothing_lost():
        from accelerate import PartialState

        from rgaviz.data.sets import DOWNLOADED, load_dataset
        from rgaviz.devices import choose_device
        from rgaviz.training.loop import train as train_networks
        from rgaviz.training.report import TensorBoard
        from rgaviz.training.state import refuse_earlier_run

        attentions = recipe.model.attention
        chosen = choose_device(device)
        free = resume or overwrite or not is_main_process()
        if not free and data_dir is None and dataset in DOWNLOADED:
            refuse_earlier_run(folder, attentions)  # before the images are downloaded
        if is_main_process() and tensorboard:
            report = TensorBoard(report, folder / "tensorboard")
        # The others wait for the main process, which downloads.
        with PartialState(cpu=chosen.type == "cpu").main_process_first():
            images = (load or load_dataset)(
                dataset,
                data_dir=data_dir,
                pattern=pattern,
                image_size=(recipe.data.image_size[0], recipe.data.image_size[1]),
                train_size=recipe.data.train_size,
                test_size=recipe.data.test_size,
                held_out=recipe.data.held_out,
                workers=recipe.data.workers,
                track=report.track,
            )
        if not free:  # the folder of the images comes first: it is what is wrong more often
            refuse_earlier_run(folder, attentions)
    for note in images.notes:
        report.say(f"Note: {note}")
    rows = train_networks(
        images,
        recipe,
        attentions,
        folder,
        device=chosen,
        seed=seed,
        resume=resume,
        overwrite=overwrite,
        settings={"command": command_line},
        report=report,
    )
    return rows, images.task


@contextmanager
def stop_told(recipe: Recipe, again: str, report: Report) -> Iterator[None]:
    """Within the block, where a signal ends it, the report is told what is lost and how to go on: ``again``."""
    try:
        yield
    except KeyboardInterrupt as error:
        longest = f"the current epoch or {recipe.train.save_minutes:g} minutes"
        lost = "nothing" if isinstance(error, Interrupted) else f"at most {longest}"
        report.say(f"Stopped; {lost} is lost." + (f" Go on with:\n  {again}" if again else ""))
        if isinstance(error, Interruption):
            error.told = True
        raise
