"""Networks by name, each with named stages and an attention slot after every stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from rgaviz.errors import RgavizError, lookup
from rgaviz.models import resnet

__all__ = ["MODELS", "create_model"]

MODELS: dict[str, Callable[..., resnet.ResNet]] = {
    "resnet18": resnet.resnet18,
    "resnet18-w16": resnet.resnet18_w16,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    "resnet20": resnet.resnet20,
    "resnet56": resnet.resnet56,
    "resnet110": resnet.resnet110,
    "resnet218": resnet.resnet218,
}


def create_model(
    arch: str,
    attention: str = "none",
    *,
    num_classes: int = 10,
    image_size: tuple[int, int] = (32, 32),
    attention_layers: Sequence[str] | None = None,
    width: int | None = None,
    s1: int | None = None,
    s2: int | None = None,
    last_stride: int | None = None,
) -> resnet.ResNet:
    """Build a network with fresh weights from the global random state.

    Args:
        arch: a key of ``MODELS``.
        attention: a key of ``ATTENTIONS``; ``none`` is the baseline.
        num_classes: outputs.
        image_size: (H, W) in pixels; part of the architecture, since relations depend on the size of the map.
        attention_layers: stages that get the attention; by default all of a four-stage network, the first of a
            CIFAR network.
        width: channels of the first stage; by default the architecture's.
        s1: reduction ratio of the embeddings; by default 4 for CIFAR networks and ``-w16``, else 8.
        s2: reduction ratio of W1; default as ``s1``.
        last_stride: stride of the last stage; by default 1 for four-stage networks, as in the paper, else 2.

    Returns:
        The network, with ``stages`` (name -> dotted module name), ``head``, ``task`` and ``config``, the plain
        dictionary of arguments that builds it again.

    Raises:
        UnknownNameError: no such network, attention or stage.
        RgavizError: an impossible size, or a map too small for the ratios.
    """
    builder = lookup(MODELS, arch, "arch")
    sizes = {"num_classes": num_classes, "height": image_size[0], "width": image_size[1]}
    given: dict[str, Any] = {
        "attention_layers": attention_layers,
        "width": width,
        "s1": s1,
        "s2": s2,
        "last_stride": last_stride,
    }
    for name, value in (*sizes.items(), *given.items()):
        if isinstance(value, int) and value < 1:
            raise RgavizError(f"{name}={value} cannot build a {arch}; give a positive number.")
    model = builder(
        num_classes=num_classes,
        image_size=tuple(image_size),
        attention=attention,
        **{name: value for name, value in given.items() if value is not None},
    )
    model.config |= {
        "arch": arch,
        "attention": attention,
        "num_classes": num_classes,
        "image_size": list(image_size),
    }
    return model


def count_parameters(model: nn.Module) -> int:
    """Number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())
