"""A training from names and options: what is cheap to check is checked before the images are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.progress import is_main_process

if TYPE_CHECKING:
    from rgaviz.data.splits import Dataset
    from rgaviz.training.config import Recipe


def recipe_settings(
    name: str,
    *,
    attention: str | None = None,
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
    check_attentions(recipe.model.attention)
    return recipe


def run_training(
    dataset: str,
    recipe: Recipe,
    *,
    report: Any,
    again: str,
    seed: int = 0,
    device: str = "auto",
    data_dir: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    tensorboard: bool = False,
    command_line: str = "",
    load: Callable[..., Dataset] | None = None,
) -> tuple[list[dict[str, Any]], Path]:
    """Check everything that is cheap to check, then train; returns the last rows and the folder.

    Args:
        dataset: a key of ``DATASETS``.
        recipe: from :func:`recipe_settings`.
        report: a :class:`rgaviz.training.report.Report` that also has ``say``, ``track`` and ``log_to``.
        again: the command that goes on with this one, told when it is stopped.
        seed: of weights, order and augmentation.
        device: auto, cpu, cuda or mps.
        data_dir: where the images are.
        out: folder; by default ``runs/<dataset>-<arch>``.
        resume: go on where the run in ``out`` stopped.
        overwrite: replace the run in ``out``.
        tensorboard: also log for TensorBoard.
        command_line: recorded in the checkpoints.
        load: in place of ``load_dataset``, where the images are there already.
    """
    from accelerate import PartialState

    from rgaviz.data.sets import DATASETS, load_dataset
    from rgaviz.devices import choose_device
    from rgaviz.errors import lookup
    from rgaviz.training.loop import train as train_networks
    from rgaviz.training.signals import Interrupted
    from rgaviz.training.state import refuse_earlier_run

    lookup(DATASETS, dataset, "dataset")
    attentions = recipe.model.attention
    chosen = choose_device(device)
    folder = out or Path("runs") / f"{dataset}-{recipe.model.arch}"
    if is_main_process():
        if not (resume or overwrite):
            refuse_earlier_run(folder, attentions)  # before the images are loaded
        if tensorboard:
            report.log_to(folder / "tensorboard")
    # The others wait for the main process, which downloads.
    with PartialState(cpu=chosen.type == "cpu").main_process_first():
        images = (load or load_dataset)(
            dataset,
            data_dir=data_dir,
            image_size=(recipe.data.image_size[0], recipe.data.image_size[1]),
            train_size=recipe.data.train_size,
            test_size=recipe.data.test_size,
            held_out=recipe.data.held_out,
            workers=recipe.data.workers,
            track=report.track,
        )
    try:
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
    except KeyboardInterrupt as error:
        longest = f"the current epoch or {recipe.train.save_minutes:g} minutes"
        lost = "nothing" if isinstance(error, Interrupted) else f"at most {longest}"
        report.say(f"Stopped; {lost} is lost. Go on with:\n  {again}")
        raise
    return rows, folder
