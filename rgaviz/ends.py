"""What goes into a network and what comes out of it, as far as the network itself tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, clipped, first_that_fit, kind_of, one_line, quoted

LETTERS = 120  # of what a network gives, in a message


def input_channels(network: nn.Module) -> int:
    """The channels of the images that a network takes: those of its first convolution; 3 without one."""
    for module in network.modules():
        channels = getattr(module, "in_channels", None)
        if type(channels) is int and hasattr(module, "kernel_size"):
            return channels
    return 3


def the_output(given: Any, key: str | int | None = None) -> Tensor:
    """The one tensor that is explained, of what a network gives.

    Args:
        given: a tensor, which is the one whatever the key, for what is said of several networks concerns those that
            give several; or a dictionary, a tuple, a list or a dataclass that holds it.
        key: its key, its place or its name there.

    Raises:
        RgavizError: there is no tensor under that key, or none was named.
    """
    if isinstance(given, Tensor):
        return given
    parts = _parts(given)
    named = {str(name): value for name, value in parts.items()}
    found = named.get(str(key))
    if isinstance(found, Tensor):
        return found
    tensors = [
        f"{clipped(name)} {tuple(value.shape)}" for name, value in named.items() if isinstance(value, Tensor)
    ]
    if not tensors:
        raise RgavizError(
            f"The network gives {kind_of(given)} without a tensor in it; wrap it in a module that returns the output "
            "to explain."
        )
    told = ", ".join(first_that_fit(tensors, LETTERS))
    asked = "which is to be explained" if key is None else f"not {quoted(key)}"
    raise RgavizError(
        f"The network gives {told}; say {asked}: --output {next(iter(_named(named)))} (in Python: output=...)"
    )


def passed(model: nn.Module, images: Tensor) -> Any:
    """What a network gives for images.

    Raises:
        RgavizError: PyTorch says that it cannot take them.
    """
    try:
        return model(images)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        if "memory" in str(error):
            raise
        raise RgavizError(
            f"The network takes no images {tuple(images.shape)} ({one_line(error)}); give those it was trained with."
        ) from error


def main_output(given: Any) -> Tensor:
    """Of what a network gives the tensor that is most likely meant: the only one, or the first with two axes.

    Raises:
        RgavizError: there is none.
    """
    if isinstance(given, Tensor):
        return given
    parts = {str(name): value for name, value in _parts(given).items()}
    names = _named(parts)
    return parts[names[0]] if names else the_output(given)


class OneOutput(nn.Module):
    """A network that gives several outputs as one that gives a tensor."""

    def __init__(self, network: nn.Module, key: str | int | None) -> None:
        super().__init__()
        self.network, self.key = network, key

    def forward(self, images: Tensor) -> Tensor:
        return the_output(self.network(images), self.key)


def _parts(given: Any) -> Mapping[Any, Any]:
    if isinstance(given, Mapping):
        return given
    if isinstance(given, tuple) and hasattr(given, "_asdict"):
        return {**dict(enumerate(given)), **given._asdict()}  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(given, Sequence) and not isinstance(given, str):
        return dict(enumerate(given))
    if is_dataclass(given):
        return {each.name: getattr(given, each.name) for each in fields(given)}
    return {}


def _named(parts: Mapping[str, Any]) -> list[str]:
    """The parts that are tensors, those of two axes, as logits have them, first."""
    tensors = [name for name, value in parts.items() if isinstance(value, Tensor)]
    return sorted(tensors, key=lambda name: parts[name].ndim != 2)
