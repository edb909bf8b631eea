"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from rgaviz.errors import SeveralFaults, lookup
from rgaviz.models import densenet, foreign, resnet, segmentation
from rgaviz.models.network import Network, sides
from rgaviz.models.options import faults, not_positive, options_of

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
    "dilated-resnet18": segmentation.dilated_resnet18,
    "dilated-resnet50": segmentation.dilated_resnet50,
    "dilated-resnet101": segmentation.dilated_resnet101,
}


def create_model(
    arch: str,
    attention: str = "none",
    *,
    num_classes: int = 10,
    image_size: tuple[int, int] | int = (32, 32),
    **options: Any,
) -> Network | Any:
    """Build a network with fresh weights from the global random state.

    Args:
        arch: a key of ``MODELS``; or ``torchvision:NAME`` or ``timm:NAME``, a network of these libraries as it is, or
            with attention behind its stages; or ``FILE.py:NAME``, what your own code makes, which runs.
        attention: a key of ``ATTENTIONS``; ``none`` is the baseline.
        num_classes: outputs.
        image_size: (H, W) in pixels, or one number for both; part of the architecture, since relations depend on the
            size of the map.
        options: those of the architecture, see :class:`rgaviz.models.resnet.ResNet`,
            :class:`rgaviz.models.densenet.DenseNet` and :class:`rgaviz.models.segmentation.DilatedResNet`; None stands
            for the default, which :func:`model_options` tells. Of another library's network ``attention_layers``,
            ``s1`` and ``s2``, see :func:`rgaviz.models.foreign.build`.

    Returns:
        The network, with ``stages`` (name -> dotted module name), ``head``, ``task`` and ``config``, the plain
        dictionary of arguments that builds it again. A network of another library has ``head``, ``task``, ``config``
        and, where it has the modules ``layer1`` to ``layer4`` or was asked for attention, ``stages``.

    Raises:
        UnknownNameError: no such network, attention, stage, stem, head or wiring.
        RgavizError: an option that the architecture does not have, an impossible value, or a map too small for the
            ratios.
    """
    size = sides(image_size)
    sizes = {"num_classes": num_classes, "height": size[0], "width": size[1]}
    found = [fault for name, value in sizes.items() if (fault := not_positive(arch, name, value))]
    if wrong := [*option_faults(arch, options), *found]:
        raise SeveralFaults(*wrong)
    if foreign.is_foreign(arch):
        given = {name: value for name, value in options.items() if value is not None}
        return foreign.build(arch, num_classes=num_classes, image_size=size, attention=attention, **given)
    given = {name: value for name, value in options.items() if value is not None}
    model = MODELS[arch](num_classes=num_classes, image_size=size, attention=attention, **given)
    own = {"arch": arch, "attention": attention, "num_classes": num_classes, "image_size": list(size)}
    model.config = {**model_options(arch), **given, **model.config, **own}
    return model


def model_options(arch: str) -> dict[str, Any]:
    """Name -> default of every option that :func:`create_model` takes for an architecture.

    Raises:
        UnknownNameError: no such network.
    """
    if foreign.is_foreign(arch):
        return dict.fromkeys(options_of(foreign.slot_options))
    known = options_of(lookup(MODELS, arch, "arch"))
    return {name: each.default for name, each in known.items()}


def model_heads(arch: str) -> Collection[str]:
    """The heads that a network of ours can have.

    Raises:
        UnknownNameError: no such network.
    """
    builder: Any = lookup(MODELS, arch, "arch")
    return builder.func.heads


def option_faults(arch: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with options for :func:`create_model`, a sentence each; None stands for a default.

    Args:
        arch: as for :func:`create_model`.
        options: name -> value.

    Raises:
        UnknownNameError: no such network.
    """
    if foreign.is_foreign(arch):
        return faults(arch, options, {**MODELS, arch: foreign.slot_options})
    lookup(MODELS, arch, "arch")
    return faults(arch, options, MODELS)
