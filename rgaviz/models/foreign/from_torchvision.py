"""Classifiers of torchvision, with the weights that it publishes or with fresh ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, UnknownNameError, unknown_name
from rgaviz.models.foreign.building import building, constructed, described, fresh_weights
from rgaviz.models.foreign.fetch import damaged, hub_file
from rgaviz.models.foreign.source import FRESH, Loaded, Preset, Source, unknown_network

# Classifiers with auxiliary heads for training. Without them the output is one tensor; ``transform_input`` is what
# torchvision sets for its own weights, which expect inputs scaled to [-1, 1].
AUXILIARY = ("googlenet", "inception_v3")
AUXILIARY_HEAD = re.compile(r"(aux1|aux2|AuxLogits)\.")
AUXILIARY_OPTIONS = {"aux_logits": False, "init_weights": True, "transform_input": True}
# The files of torchvision's DenseNets are older than the names of its modules: norm.1 is norm1 today.
DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def build(source: Source, num_classes: int, image_size: tuple[int, int]) -> nn.Module:
    """A network with fresh weights, as :func:`rgaviz.models.foreign.build` tells."""
    from torchvision import models

    _check(source)
    height, width = image_size
    options: dict[str, Any] = {}
    if source.name.startswith("vit_"):
        if height != width:
            raise RgavizError(f"{source.arch} takes square images, not {height}x{width}; give equal sides.")
        options["image_size"] = height
    if source.name.startswith("maxvit"):
        options["input_size"] = image_size
    if source.name in AUXILIARY:
        options |= AUXILIARY_OPTIONS
    with building(source, num_classes, image_size, preset):
        model = constructed(
            lambda: models.get_model(source.name, weights=None, num_classes=num_classes, **options)
        )
    return described(model, source, num_classes, image_size)


def _check(source: Source) -> None:
    from torchvision import models

    classifiers = models.list_models(module=models)
    if source.name in classifiers:
        return
    if source.name in models.list_models():
        raise UnknownNameError(
            f"torchvision's {source.name} does not classify images in floating point; name a network of "
            "torchvision.models.list_models(module=torchvision.models)."
        )
    raise unknown_network(source, classifiers, "torchvision.models.list_models(module=torchvision.models)")


def _weights(source: Source) -> Any:
    """The named weights, or the default ones; a member of the enumeration that torchvision has of a network."""
    from torchvision import models

    _check(source)
    weights = models.get_model_weights(source.name)
    names = [each.name for each in weights]
    if source.weights in ("", "DEFAULT", FRESH):
        return weights["DEFAULT"]  # an alias of one of them
    if source.weights not in names:
        raise unknown_name(source.weights, [*names, FRESH], f"weights of {source.arch}")
    return weights[source.weights]


def preset(source: Source) -> Preset:
    """How torchvision feeds this network with these weights."""
    transforms = _weights(source).transforms()
    (side,) = transforms.crop_size
    return Preset((side, side), tuple(transforms.mean), tuple(transforms.std))


def load(source: Source, instead: str) -> Loaded:
    """A network with its weights, as :func:`rgaviz.models.foreign.load` tells."""
    weights, how = _weights(source), preset(source)
    named = source if source.weights == FRESH else source._replace(weights=weights.name)
    text = f"{named.arch}@{named.weights}"
    classes = list(weights.meta["categories"])
    path = None if named.weights == FRESH else hub_file(weights.url, text, instead)
    with fresh_weights():
        model = build(source, len(classes), how.image_size)
    if path:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            model.load_state_dict(adapted(source, state))
        except Exception as error:  # a damaged file can raise nearly anything
            raise damaged(path, text, error) from error
    return Loaded(model, text, how, classes)


def adapted(source: Source, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state_dict as the network built here takes it: without heads for training only, old names renewed."""
    if source.name in AUXILIARY:
        return {name: value for name, value in state.items() if not AUXILIARY_HEAD.match(name)}
    if source.name.startswith("densenet"):
        return {DENSE_LAYER.sub(r"\1\2", name): value for name, value in state.items()}
    return dict(state)
