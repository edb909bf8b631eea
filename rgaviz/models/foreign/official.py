"""The authors' own weights: the layout of github.com/microsoft/Relation-Aware-Global-Attention-Networks.

Their network is ``backbone``, a ResNet-50 with the modules ``rga_att1`` .. ``rga_att4``, then ``feat_bn`` and ``cls``.
It computes what ``create_model("resnet50", ..., head="bnneck")`` does; here the names and shapes are translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rgaviz.attention.rga import GatedRelations
from rgaviz.errors import CheckpointError
from rgaviz.models import create_model
from rgaviz.models.foreign.bare import PREFIXES, unwrap, without_prefixes
from rgaviz.models.foreign.misfits import told_together
from rgaviz.models.network import Network, shape_text, shapes_only

# Kinds of relations in a module -> our name for the attention; their branches are rgas, rgac and rgasc.
BRANCHES = {("spatial",): "rga-s", ("channel",): "rga-c", ("spatial", "channel"): "rga-sc"}

# Layer of ours -> the layers of theirs that lie in it, one below the other. Their gg, W_varphi, takes
# [R(i, :), R(:, i)] as ours does.
LAYERS = {
    "embed": ("theta_{kind}.0", "phi_{kind}.0", "gx_{kind}.0"),
    "embed_bn": ("theta_{kind}.1", "phi_{kind}.1", "gx_{kind}.1"),
    "relate": ("gg_{kind}.0",),
    "relate_bn": ("gg_{kind}.1",),
    "shrink": ("W_{kind}.0",),
    "shrink_bn": ("W_{kind}.1",),
    "score": ("W_{kind}.3",),
    "score_bn": ("W_{kind}.4",),
}


def recognise(state_dict: Mapping[str, Any]) -> bool:
    """Whether these are weights in the official layout; ``state_dict`` as in :func:`convert`."""
    return _kinds(weights(state_dict)) in BRANCHES


def weights(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict by the names of their network; none where there is no state_dict."""
    return without_prefixes(unwrap(state_dict) or {}, (*PREFIXES, "model."))


def convert(state_dict: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The official weights as ours.

    Args:
        state_dict: theirs, or the checkpoint around it.

    Returns:
        The arguments of :func:`rgaviz.create_model` and the state_dict that fits the network they build. Pictures are
        normalised with ImageNet's mean and standard deviation.

    Raises:
        CheckpointError: weights are missing, unexpected or of another shape than those of the official networks:
            256x128 pixels, s1 = s2 = 8.
    """
    given = weights(state_dict)
    kinds = _kinds(given)
    if kinds not in BRANCHES:
        raise CheckpointError(
            "No backbone.rga_att1.theta_spatial or theta_channel: these are not the RGA authors' weights. "
            "Give a checkpoint as their training script wrote it."
        )
    # Without usable logits any number does: what is wrong with them is told below with all other faults.
    ids = next(iter(given["cls.weight"].shape), 0) if "cls.weight" in given else 0
    with shapes_only():
        model = create_model(
            "resnet50",
            BRANCHES[kinds],
            num_classes=max(ids, 1),
            image_size=(256, 128),
            s1=8,
            s2=8,
            last_stride=1,
            head="bnneck",
        )
    ours, sources = model.state_dict(), _sources(model)
    for name in (name for names in sources.values() for name in names):
        if name.endswith("num_batches_tracked"):  # unknown to PyTorch 0.4, and not used in evaluation
            given.setdefault(name, torch.tensor(0))
    _check(given, _shapes(ours, sources), BRANCHES[kinds])
    converted = {}
    for key, value in ours.items():
        pieces = [given[name] for name in sources[key]]
        # 1x1 convolutions (o, i, 1, 1) -> (sum of o, i); a counter is the same in all pieces.
        converted[key] = torch.cat(pieces).view(value.shape) if value.ndim else pieces[0]
    return model.config, converted


def _kinds(given: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The kinds of relations in the first module, in the order they act."""
    return tuple(
        kind for kind in ("spatial", "channel") if f"backbone.rga_att1.theta_{kind}.0.weight" in given
    )


def _sources(model: Network) -> dict[str, list[str]]:
    """Key of our state_dict -> the official keys whose values lie in it, one below the other."""
    modules = {"neck": ["feat_bn"], "fc": ["cls"]}
    for index, stage in enumerate(model.stages.values(), start=1):
        for path, module in model.get_submodule(stage).named_modules(prefix=stage):
            if isinstance(module, GatedRelations):
                for layer, names in LAYERS.items():
                    theirs = [f"backbone.rga_att{index}.{name.format(kind=module.kind)}" for name in names]
                    modules[f"{path}.attend.{layer}"] = theirs
    sources = {}
    for key in model.state_dict():
        path, _, leaf = key.rpartition(".")
        sources[key] = [f"{theirs}.{leaf}" for theirs in modules.get(path, [f"backbone.{path}"])]
    return sources


def _shapes(ours: Mapping[str, Tensor], sources: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, ...]]:
    """Official key -> the shape it must have."""
    shapes = {}
    for key, names in sources.items():
        shape = tuple(ours[key].shape)
        if shape:
            shape = (shape[0] // len(names), *shape[1:])
        if key.startswith("attention.") and len(shape) == 2:  # a product here, a 1x1 convolution there
            shape = (*shape, 1, 1)
        shapes |= dict.fromkeys(names, shape)
    return shapes


def _check(given: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], attention: str) -> None:
    """Refuse anything that is not exactly the official network."""
    faults = {
        "missing": [name for name in shapes if name not in given],
        "unexpected": [name for name in given if name not in shapes],
        "of another shape": [
            f"{name} {shape_text(given[name].shape)} instead of {shape_text(shape)}"
            for name, shape in shapes.items()
            if name in given and tuple(given[name].shape) != shape
        ],
    }
    if told := {kind: names for kind, names in faults.items() if names}:
        raise CheckpointError(
            f"These are not weights of the RGA authors' ResNet-50 with {attention} at 256x128 pixels and s1=s2=8 "
            f"({told_together(told, ': ')}). Give a checkpoint as their training script wrote it."
        )
