"""The gates of a network, by layer and by name."""

from __future__ import annotations

from torch import nn

from rgaviz.errors import RgavizError, UnknownNameError, kind_of, unknown_name
from rgaviz.explain.layers import find_layer, stage_names
from rgaviz.explain.sources import ends_itself, mask_kind


def gates(model: nn.Module, layer: str) -> dict[str, nn.Module]:
    """The modules within a layer that a mask leaves: gates of ours, and attention modules of other libraries.

    They are keyed ``"conv5/spatial"``; where a layer has a kind twice, by module path: ``"layer4.0.se/channel"``.

    Raises:
        UnknownNameError: no such layer.
    """
    modules = find_layer(model, layer).named_modules()
    found = [(path, module, kind) for path, module in modules if (kind := mask_kind(module))]
    kinds = [kind for _, _, kind in found]
    single = len(kinds) == len(set(kinds))
    whole = stage_names(model).get(layer, layer)
    return {f"{layer if single else f'{whole}.{path}'}/{kind}": module for path, module, kind in found}


def gated_layers(model: nn.Module) -> list[str]:
    """The stages that have a gate, in order, then every module outside of these that ends in one.

    A module that holds nothing but such modules, like timm's CBAM, is one layer.
    """
    stages = stage_names(model)
    within = [name for name in stages if gates(model, name)]
    inside = tuple(f"{stages[name]}." for name in within)  # a stage may be a gate itself
    modules = dict(model.named_modules())
    ending = dict.fromkeys(
        (_parent(path) or path) if ends_itself(module) else path
        for path, module in modules.items()
        if path and mask_kind(module) and not (inside and f"{path}.".startswith(inside))
    )

    def widest(path: str) -> str:
        parent = _parent(path)
        siblings = [f"{parent}.{name}" for name, _ in modules[parent].named_children()]
        return parent if parent and all(each in ending for each in siblings) else path

    return [*within, *dict.fromkeys(widest(path) for path in ending)]


def expand_layers(model: nn.Module, layers: str) -> list[str]:
    """``"conv5"``, ``"conv4,conv5"`` or ``"all"`` as a list of layers that have gates.

    Raises:
        UnknownNameError: no such layer, or one without attention.
    """
    gated = gated_layers(model)
    if not gated:
        raise RgavizError(
            "This network has no attention that ends in a gate, so no masks; choose one that has, such as rga.pt."
        )
    if not isinstance(layers, str):
        raise RgavizError(
            f"Layers are one text, not {kind_of(layers)}; give them with commas: {','.join(gated[-2:])!r}."
        )
    if layers == "all":
        return gated
    names = [name.strip() for name in layers.split(",")]
    for name in names:
        try:
            found, kind = gates(model, name), "layer with attention"
        except UnknownNameError:
            found, kind = {}, "layer"
        if not found:
            raise unknown_name(name, gated, kind)
    return names


def _parent(path: str) -> str:
    return path.rpartition(".")[0]
