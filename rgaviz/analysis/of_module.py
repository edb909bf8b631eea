"""A network in memory, of any kind, with all it needs to be used."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rgaviz.checkpoint.checkpoint import Checkpoint
from rgaviz.checkpoint.elsewhere import usual_values
from rgaviz.checkpoint.given import Given
from rgaviz.checkpoint.reading import weights_sha256
from rgaviz.data.pictures import IMAGENET_MEAN, IMAGENET_STD
from rgaviz.ends import input_channels, the_output
from rgaviz.errors import RgavizError, one_line
from rgaviz.explain.lending import lent
from rgaviz.models import foreign
from rgaviz.models.foreign import from_own
from rgaviz.models.network import config_of, shape_text, sides, task_of
from rgaviz.tasks import TASKS
from rgaviz.tasks.classification import VALUE


def of_module(model: nn.Module, given: Given | None = None) -> Checkpoint:
    """A network that the caller has, as a checkpoint; it stays where and as it is.

    What is not given is assumed, and stands in the notes: images of 224x224 where the network does not say it,
    ImageNet's mean and deviation, numbers for names.

    Args:
        model: any network.
        given: what is said of it.

    Raises:
        RgavizError: it cannot take such images, or gives no outputs of classes.
    """
    given = given or Given()
    known = vars(model).get("config")
    ours = isinstance(known, dict) and "image_size" in known and "arch" in known
    config: dict[str, Any] = (
        dict(config_of(model)) if ours else {"arch": type(model).__name__, "attention": "none"}
    )
    task = task_of(model) if ours and task_of(model) in TASKS else "classification"
    size = given.image_size or sides(config.get("image_size", from_own.USUAL.image_size))
    channels = input_channels(model)
    usual = (IMAGENET_MEAN, IMAGENET_STD)
    mean, std = usual if channels == 3 else usual_values(channels, *usual)
    own_mean, own_std = given.channels(channels)
    count = config["num_classes"] if ours else _outputs(model, channels, size, given.output)
    told = []
    if given.image_size is None and not ours:
        told.append(f"images of {shape_text(size)} (image_size=)")
    if own_mean is None or own_std is None:
        told.append(
            "ImageNet's mean and deviation (mean=, std=)"
            if channels == 3
            else "mean and deviation (mean=, std=)"
        )
    return Checkpoint(
        model=model,
        config={**config, "num_classes": count, "image_size": list(size)},
        classes=given.names(count) or foreign.class_names(count, values=given.outputs == VALUE),
        mean=own_mean or mean,
        std=own_std or std,
        path=type(model).__name__,
        sha256=weights_sha256(model),
        origin="network in memory",
        notes=(f"assumed: {'; '.join(told)}.",) if told else (),
        output=given.output,
        outputs=given.outputs,
        shown=given.shown(channels),
        of_task=task,
    )


def _outputs(model: nn.Module, channels: int, size: tuple[int, ...], output: str | int | None) -> int:
    """How many outputs a network has, which is known when it has been used."""
    first = next(model.parameters(), torch.zeros(()))
    try:
        with lent(model), torch.no_grad():
            found = model(torch.zeros(1, channels, *size, device=first.device, dtype=first.dtype))
    except RgavizError:
        raise
    except Exception as error:  # every network refuses in its own way
        raise RgavizError(
            f"{type(model).__name__} cannot take an image of {channels}x{shape_text(size)} ({one_line(error)}); say "
            "what it takes: image_size=(H, W)."
        ) from error
    found = the_output(found, output)
    if found.ndim != 2:
        raise RgavizError(
            f"{type(model).__name__} gives {shape_text(found.shape)} for one image, where a classifier gives 1x10, "
            "say; name another output=, or wrap it."
        )
    return found.shape[1]
