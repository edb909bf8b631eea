"""What all networks share: named stages, an attention slot after every stage, an embedding and a head."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rgaviz.attention import build_attention
from rgaviz.errors import RgavizError, quoted, unknown_name
from rgaviz.models.heads import HEADS

CONFIG, TASK = "rgaviz_config", "rgaviz_task"  # where a network has other attributes of the plain names


class _Unfilled(TorchFunctionMode):
    """Weights are not drawn: without memory there is nothing to fill, but PyTorch imports its compiler for it."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (nn.init.normal_, nn.init.uniform_):  # these hand the tensor over by both ways
            return (kwargs or {})["tensor"]
        return args[0] if func in (Tensor.normal_, Tensor.uniform_) else func(*args, **(kwargs or {}))


@contextmanager
def shapes_only() -> Iterator[None]:
    """Networks built inside the block have shapes but no values: nothing is allocated, nothing drawn."""
    with torch.device("meta"), _Unfilled():
        yield


def sides(image_size: Any) -> tuple[int, int]:
    """(H, W) in pixels; a number alone is both.

    Raises:
        RgavizError: anything else.
    """
    if type(image_size) is int:
        return image_size, image_size
    several = tuple(image_size) if isinstance(image_size, Sequence) else ()
    if len(several) != 2 or not all(type(each) is int for each in several):
        raise RgavizError(
            f"An image size is two whole numbers, not {quoted(image_size)}; give (32, 32), say."
        )
    return several


def shape_text(sizes: Sequence[int]) -> str:
    """A tensor's shape, or (H, W), for people, e.g. ``"64x3x7x7"``."""
    return "x".join(map(str, sizes)) or "a number"


def count_parameters(model: nn.Module) -> int:
    """Number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())


def config_of(model: nn.Module) -> dict[str, Any]:
    """The arguments that build a network again; beside a ``config`` of its own, which a user's may have."""
    own = vars(model)
    return own[CONFIG if CONFIG in own else "config"]


def task_of(model: nn.Module) -> str:
    """What a network is for; one that does not say is a classifier."""
    own = vars(model)
    return str(own[TASK] if TASK in own else getattr(model, "task", "classification"))


def describe(model: nn.Module, config: Mapping[str, Any]) -> None:
    """Note on a network how it is built, without touching a ``config`` that a user has there."""
    own: Any = vars(model)
    known = getattr(model, "config", None)
    ours = known is None or (isinstance(known, dict) and known.get("arch") == config["arch"])
    own["config" if ours else CONFIG] = dict(config)


def set_task(model: nn.Module, task: str) -> None:
    """Note on a network what it is for: a key of ``TASKS``; one of others may have a ``task`` of its own."""
    own: Any = vars(model)
    own["task" if isinstance(model, Network) else TASK] = task


class Network(nn.Module):
    """A classifier with an attention slot after every stage: (B, 3, H, W) -> (B, num_classes).

    A subclass builds its backbone, ``neck`` and head, initialises them, and adds the slots last: so under one random
    seed the networks of a pair start from identical backbone weights, and the attention keeps PyTorch's
    initialisation.

    Attributes:
        stages: stage name -> dotted name of its slot, whose output is what the next layer sees.
        config: what the constructor decides of its options; completed by :func:`rgaviz.create_model`.
        task: what it is for, a key of ``TASKS``; who trains or loads it for another sets it.
        heads: those that it can have.
        neck: from the pooled feature to the embedding.
        attention: the slots by stage name.
        cam_stage: where class activation maps are taken unless another layer is named; "" is the last stage.
    """

    task: str = "classification"
    cam_stage: str = ""
    heads: Collection[str] = tuple(HEADS)
    stages: dict[str, str]
    config: dict[str, Any]
    neck: nn.Module
    attention: nn.ModuleDict

    def add_attention(
        self,
        maps: Mapping[str, tuple[int, tuple[int, int]]],
        attention: str,
        layers: Sequence[str] | None,
        s1: int,
        s2: int,
    ) -> None:
        """Add the slots; ``stages`` and ``config`` begin here.

        Args:
            maps: of every stage, in order, the channels and (H, W) of its map.
            attention: a key of ``ATTENTIONS``.
            layers: the stages that get it, or None for all; in the others the slot is the identity.
            s1: reduction ratio of the embeddings.
            s2: reduction ratio of W1.

        Raises:
            UnknownNameError: no such attention or stage.
            RgavizError: a map too small for the ratios.
        """
        attended = list(maps) if layers is None else list(layers)
        for name in attended:
            if name not in maps:
                raise unknown_name(name, maps, "attention layer")
        self.attention = nn.ModuleDict(
            {
                name: build_attention(attention if name in attended else "none", *maps[name], s1, s2)
                for name in maps
            }
        )
        self.stages = {name: f"attention.{name}" for name in maps}
        self.config = {"attention_layers": attended}

    @property
    def head(self) -> nn.Module:
        """The layer that gives the logits."""
        raise NotImplementedError

    def refuse_part(self, images: int, size: Sequence[int]) -> None:
        """Refuse to be trained on so many images (H, W) at once.

        Raises:
            RgavizError: there is nothing to normalise by.
        """

    def maps(self, x: Tensor) -> Tensor:
        """The last map, behind its slot: (B, 3, H, W) -> (B, C, h, w)."""
        raise NotImplementedError

    def pooled(self, x: Tensor) -> Tensor:
        """The mean of the last map over its positions, before the neck: (B, 3, H, W) -> (B, C)."""
        return self.maps(x).mean((2, 3))

    def embed(self, x: Tensor) -> Tensor:
        """The embedding, what the head sees: (B, 3, H, W) -> (B, C)."""
        return self.neck(self.pooled(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x))  # (B, num_classes)
