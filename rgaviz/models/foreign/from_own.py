"""The user's own networks: ``net.py:make`` or ``package.module:make``, a function or class that builds one."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, clipped, kind_of
from rgaviz.models.foreign.building import described
from rgaviz.models.foreign.source import Loaded, Preset, Source
from rgaviz.models.network import config_of, shape_text
from rgaviz.own_code import own_fault, own_object, running

# What nobody says of an own network: the sizes and values of most that begin with ImageNet's weights.
COLOURS = 3  # channels of the pictures of all data sets
USUAL = Preset((224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def build(source: Source, num_classes: int, image_size: tuple[int, int]) -> nn.Module:
    """What the user's function makes, called with ``num_classes`` and ``image_size`` where it takes these.

    Raises:
        RgavizError: there is no such function, it fails, or it makes no network.
    """
    made: Any = own_object(source.name)
    if isinstance(made, nn.Module):
        made = copy.deepcopy(made)
    elif callable(made):
        sizes = {"num_classes": num_classes, "image_size": image_size}
        given = {name: value for name, value in sizes.items() if name in takes(made)}
        with running(source.name):
            made = made(**given)
    if not isinstance(made, nn.Module):
        raise RgavizError(
            f"{clipped(source.name)} gives {kind_of(made)}, not a network; name a function or class that makes an "
            "nn.Module."
        )
    return described(made, source, num_classes, image_size)


def takes(function: Any) -> Mapping[str, Any]:
    """The names that a function can be called with."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # of some compiled ones nothing is known
        return {}


def counts_classes(source: Source) -> bool:
    """Whether the number of outputs is told to the function that makes the network."""
    return "num_classes" in takes(own_object(source.name))


def tried(model: nn.Module, channels: int, size: Sequence[int], option: str) -> Any:
    """What a network gives for one black image, in eval mode.

    Args:
        model: of the user's; it stays in its mode.
        channels: of the image.
        size: (H, W) in pixels.
        option: that sets the size, for the message.

    Raises:
        RgavizError: it cannot take such images.
    """
    training = model.training
    try:
        with torch.inference_mode():
            return model.eval()(torch.zeros(1, channels, *size))
    except Exception as error:
        fault = own_fault(config_of(model)["arch"], error)
        raise RgavizError(
            f"{fault} It was given one image of {channels}x{shape_text(size)} {option}."
        ) from error
    finally:
        model.train(training)


def refuse_unfit(model: nn.Module, classes: int, size: Sequence[int]) -> None:
    """Make sure that a network of the user's can be trained as a classifier of pictures.

    Raises:
        RgavizError: it cannot take them, or gives something else than a logit for each class.
    """
    found = tried(model, COLOURS, size, "(data.image_size)")
    if not isinstance(found, Tensor) or found.shape != (1, classes):
        given = shape_text(found.shape) if isinstance(found, Tensor) else kind_of(found)
        raise RgavizError(
            f"{clipped(config_of(model)['arch'])} gives {given} for one image, where training on {classes} classes "
            f"takes logits alone, 1x{classes}: let it take num_classes, and wrap it where it gives more."
        )


def preset(source: Source) -> Preset:
    """How such a network is fed unless somebody says otherwise."""
    del source
    return USUAL


def load(source: Source, instead: str) -> Loaded:
    """There are no weights without a file."""
    del instead
    raise RgavizError(
        f"{clipped(source.name)} is a network without weights; name a file with them: best.pth@{clipped(source.name)}"
    )
