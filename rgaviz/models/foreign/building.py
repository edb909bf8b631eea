"""How a network of another library is built: its faults in our words, its attributes those of ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from rgaviz.errors import RgavizError, one_line
from rgaviz.models.foreign.source import Preset, Source, is_foreign
from rgaviz.models.network import describe, set_task, shape_text, shapes_only

STAGES = {f"conv{n + 1}": f"layer{n}" for n in (1, 2, 3, 4)}  # of a ResNet and its kin


@contextmanager
def building(
    source: Source, num_classes: int, image_size: tuple[int, int], preset: Callable[[Source], Preset]
) -> Iterator[None]:
    """Whatever a library's constructor raises inside the block becomes one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the libraries' about their own future
            yield
    except RgavizError:
        raise
    except Exception as error:  # every constructor refuses in its own way
        raise RgavizError(
            f"{source.library} cannot build {source.name} with {num_classes} outputs for images of "
            f"{shape_text(image_size)} ({one_line(error)}). Try {shape_text(preset(source).image_size)}."
        ) from error


def constructed(make: Callable[[], nn.Module]) -> nn.Module:
    """What ``make`` gives, also where networks have shapes only: some compute with values while they are built."""
    try:
        return make()
    except NotImplementedError:  # "Cannot copy out of meta tensor"
        if torch.get_default_device().type != "meta":
            raise
    with torch.device("cpu"):
        return make().to("meta")


def described(model: nn.Module, source: Source, num_classes: int, image_size: tuple[int, int]) -> nn.Module:
    """The network with the attributes by which the rest of the package knows it."""
    config = {
        "arch": str(source.network),  # a plain text, whatever it stands for
        "attention": "none",
        "num_classes": num_classes,
        "image_size": list(image_size),
    }
    describe(model, config)
    set_task(model, "classification")
    if all(isinstance(getattr(model, name, None), nn.Module) for name in STAGES.values()):
        vars(model).setdefault("stages", dict(STAGES))
    if not isinstance(getattr(model, "head", None), nn.Module) and (head := _head(model, num_classes)):
        vars(model).setdefault("head", head)  # beside the modules: it has its name there already
    return model


def _head(model: nn.Module, num_classes: int) -> nn.Module | None:
    """The layer that gives the logits: the last one with as many outputs."""
    sizes = ("out_features", "out_channels")
    found = [each for each in model.modules() if num_classes in [getattr(each, name, None) for name in sizes]]
    return found[-1] if found else None


@contextmanager
def fresh_weights() -> Iterator[None]:
    """Random weights drawn inside the block are always the same, and the global random state is not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def undrawn(arch: Any) -> AbstractContextManager[None]:
    """Where a network is built whose weights come from a file: the global random state is not touched.

    Ours have shapes only then; those of the libraries may compute with values while they are built.
    """
    return fresh_weights() if is_foreign(arch) else shapes_only()
