"""Networks by name, each with named stages and an attention slot after every stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from rgaviz.errors import RgavizError, lookup
from rgaviz.models import densenet, foreign, resnet
from rgaviz.models.network import Network

__all__ = ["MODELS", "create_model"]

MODELS: dict[str, Callable[..., Network]] = {
    "resnet18": resnet.resnet18,
    "resnet18-w16": resnet.resnet18_w16,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    "resnet20": resnet.resnet20,
    "resnet56": resnet.resnet56,
    "resnet110": resnet.resnet110,
    "resnet218": resnet.resnet218,
    "densenet100": densenet.densenet100,
    "densenet115": densenet.densenet115,
    "densenet-bc100": densenet.densenet_bc100,
    "densenet-bc115": densenet.densenet_bc115,
}
OF_ONE_FAMILY = {"last_stride": "resnet", "memory_efficient": "densenet"}  # option -> networks that have it


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
    head: str | None = None,
    memory_efficient: bool | None = None,
) -> Network | Any:
    """Build a network with fresh weights from the global random state.

    Args:
        arch: a key of ``MODELS``; or ``torchvision:NAME`` or ``timm:NAME``, a network of these libraries as it is.
        attention: a key of ``ATTENTIONS``; ``none`` is the baseline.
        num_classes: outputs.
        image_size: (H, W) in pixels; part of the architecture, since relations depend on the size of the map.
        attention_layers: stages that get the attention; by default all of a four-stage network, the first of a
            CIFAR network.
        width: channels of the first stage, of a DenseNet those behind the stem; by default the architecture's.
        s1: reduction ratio of the embeddings; by default 4 for CIFAR ResNets and ``-w16``, else 8.
        s2: reduction ratio of W1; default as ``s1``.
        last_stride: stride of the last stage of a ResNet; by default 1 for four-stage networks, as in the paper,
            else 2.
        head: ``linear``, the default, or ``bnneck``, the embedding of re-identification.
        memory_efficient: train a DenseNet with less memory and the same result, by computing its layers twice.

    Returns:
        The network, with ``stages`` (name -> dotted module name), ``head``, ``task`` and ``config``, the plain
        dictionary of arguments that builds it again. A network of another library has ``task``, ``config`` and,
        where it has the modules ``layer1`` to ``layer4``, ``stages``.

    Raises:
        UnknownNameError: no such network, attention, stage or head.
        RgavizError: an impossible size, a map too small for the ratios, or an option of other networks.
    """
    builder = None if foreign.is_foreign(arch) else lookup(MODELS, arch, "arch")
    sizes = {"num_classes": num_classes, "height": image_size[0], "width": image_size[1]}
    given: dict[str, Any] = {
        "attention_layers": attention_layers,
        "width": width,
        "s1": s1,
        "s2": s2,
        "last_stride": last_stride,
        "head": head,
        "memory_efficient": memory_efficient,
    }
    asked = [name for name, value in given.items() if value is not None]
    if builder is None and (asked or attention != "none"):
        raise RgavizError(
            f"{arch} is built as its library has it; leave out {', '.join(asked) or 'attention'}."
        )
    for name, family in OF_ONE_FAMILY.items():
        if given[name] is not None and not arch.startswith(family):
            raise RgavizError(f"{arch} has no option {name}, only a {family} has; leave it out.")
    for name, value in (*sizes.items(), *given.items()):
        if type(value) is int and value < 1:
            raise RgavizError(f"{name}={value} cannot build a {arch}; give a positive number.")
    if builder is None:
        return foreign.build(arch, num_classes=num_classes, image_size=(image_size[0], image_size[1]))
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
