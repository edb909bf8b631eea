"""Classifiers of timm, with the weights that it publishes or with fresh ones."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from torch import nn

from rgaviz.errors import CheckpointError, RgavizError, UnknownNameError, quoted, unknown_name
from rgaviz.models.foreign.building import building, constructed, described, fresh_weights
from rgaviz.models.foreign.classes import IMAGENET_CLASSES, class_names
from rgaviz.models.foreign.fetch import damaged, hub_file, hugging_face_file
from rgaviz.models.foreign.source import FRESH, Loaded, Preset, Source, unknown_network


def _timm() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("timm.data")
            return import_module("timm")
    except ImportError as error:
        raise RgavizError('Networks named timm:... need timm: pip install "rgaviz[timm]"') from error


def _config(source: Source) -> Any:
    """What timm knows of a network's weights: their tag, where they are, how pictures are fed."""
    timm = _timm()
    architecture, _, tag = source.name.partition(".")
    known = timm.list_models()
    if architecture not in known:  # timm.is_model also knows names that it has given up
        raise unknown_network(source, known, "timm.list_models()")
    tags = [name.partition(".")[2] for name in timm.list_models(f"{architecture}.*", pretrained=True)]
    if tag and tag not in tags:
        raise unknown_name(tag, tags, f"weights of timm:{architecture}")
    if source.weights not in ("", FRESH):
        raise UnknownNameError(
            f"Unknown weights {quoted(source.weights)}. timm's follow a dot, as in "
            f"timm:{architecture}.{(tags or ['TAG'])[0]}; @ takes only {FRESH}."
        )
    return timm.get_pretrained_cfg(source.name)


def build(source: Source, num_classes: int, image_size: tuple[int, int], **options: Any) -> nn.Module:
    """A network with fresh weights, as :func:`rgaviz.models.foreign.build` tells; ``options`` are timm's."""
    if _config(source).fixed_input_size:
        options["img_size"] = tuple(image_size)
    with building(source, num_classes, image_size, preset):
        model = constructed(lambda: _timm().create_model(source.name, num_classes=num_classes, **options))
    return described(model, source, num_classes, image_size)


def preset(source: Source) -> Preset:
    """How timm feeds this network with these weights."""
    config = _timm().data.resolve_data_config(pretrained_cfg=_config(source).to_dict())
    _, height, width = config["input_size"]
    return Preset((height, width), tuple(config["mean"]), tuple(config["std"]))


def load(source: Source, instead: str) -> Loaded:
    """A network with its weights, as :func:`rgaviz.models.foreign.load` tells."""
    config, how = _config(source), preset(source)
    architecture = source.name.partition(".")[0]
    untrained = f"timm:{architecture}@{FRESH}"
    if source.weights == FRESH:
        with fresh_weights():
            model = build(source, IMAGENET_CLASSES, how.image_size)
        return Loaded(model, f"{source.arch}@{FRESH}", how, class_names(IMAGENET_CLASSES))
    if not config.has_weights:
        raise CheckpointError(
            f"timm has no weights for {architecture}; take {untrained} (untrained), or another."
        )
    text = f"timm:{architecture}.{config.tag}"
    if not config.num_classes:
        raise CheckpointError(f"{text} gives features, no classes; choose weights of a classifier.")
    if config.hf_hub_id:
        path = hugging_face_file(config, text, instead)
    else:
        path = hub_file(config.url, text, instead)
    # A file named in this way is read with weights_only. Formats of their own are those at the url, not on the hub.
    own_format = config.custom_load and not config.hf_hub_id
    options = {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path), "custom_load": own_format}}
    with fresh_weights():
        try:
            model = build(source, config.num_classes, how.image_size, **options)
        except RgavizError as error:
            raise damaged(path, text, error.__cause__ or error) from error
    return Loaded(model, text, how, class_names(config.num_classes))
