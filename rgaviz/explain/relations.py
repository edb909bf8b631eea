"""Relations of a network's attention: what a position looks at, and what looks at it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate
from rgaviz.errors import RgavizError, clipped
from rgaviz.explain.capture import explained_forward, itself
from rgaviz.explain.layers import find_layer, stage_names
from rgaviz.explain.lending import lent

Place = tuple[float, float]  # x and y as fractions of the picture's width and height, below 1
AUTO = ("centre", "most attended", "least attended")


@dataclass(frozen=True)
class Relations:
    """Of each picture some positions of a map, and their relations to all positions.

    Attributes:
        rows: R(i, :), what each position looks at, (B, k, h, w).
        columns: R(:, i), what looks at each position, (B, k, h, w).
        asked: the positions as row and column of the map, (B, k, 2).
        names: of the k positions, where they were chosen here.
    """

    rows: np.ndarray
    columns: np.ndarray
    asked: np.ndarray
    names: tuple[str, ...] = ()


def relation_layers(model: nn.Module, kind: str = "spatial") -> list[str]:
    """The stages whose attention has relations of a kind, in order.

    Args:
        model: a network.
        kind: ``spatial`` or ``channel``.
    """
    return [name for name in stage_names(model) if _related(find_layer(model, name), kind) is not None]


def default_relation_layer(model: nn.Module, kind: str = "spatial") -> str:
    """The deepest stage with relations of a kind.

    Raises:
        RgavizError: the network has none.
    """
    found = relation_layers(model, kind)
    if not found:
        raise RgavizError(
            f"This network has no {kind} relations; choose one with RGA or, for positions, a non-local block, such as "
            "rga.pt."
        )
    return found[-1]


def relations(
    model: nn.Module, images: Tensor, layer: str, places: Sequence[Sequence[Place]] | None = None
) -> Relations:
    """The relations of some positions; the matrix of all is not formed, and the network is not changed.

    Args:
        model: a network.
        images: (B, 3, H, W), normalised.
        layer: a stage with RGA-S, RGA-SC or a non-local block, or the dotted name of such a module.
        places: of each picture the k positions; by default :data:`AUTO`.

    Raises:
        RgavizError: no such layer, or no relations there.
    """
    network = itself(model)
    module = attention_of(network, layer, "spatial")
    with lent(network):
        x, mask = _seen(network, images, module)
        size = x.shape[2:]
        with torch.no_grad():
            asked = _auto(module, x, mask) if places is None else _positions(places, size).to(x.device)
            found = module.related(x, asked[..., 0] * size[1] + asked[..., 1], "spatial")
    rows, columns = (
        each.unflatten(2, size).float().cpu().numpy() for each in found
    )  # (B, k, N) -> (B, k, h, w)
    return Relations(rows, columns, asked.cpu().numpy(), AUTO if places is None else ())


def channel_relations(model: nn.Module, images: Tensor, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """The relations of all channels with all, and their attention; the network is not changed.

    Args:
        model: a network.
        images: (B, 3, H, W), normalised.
        layer: a stage with RGA-C or RGA-SC, or the dotted name of such a module.

    Returns:
        R (B, C, C) and the mask (B, C), in [0, 1].

    Raises:
        RgavizError: no such layer, or no relations there.
    """
    network = itself(model)
    module = attention_of(network, layer, "channel")
    with lent(network):
        x, mask = _seen(network, images, module, "channel")
        with torch.no_grad():
            found = module.affinity(x, "channel")
    assert mask is not None
    return found.float().cpu().numpy(), mask.flatten(1).float().cpu().numpy()  # (B, C, 1, 1) -> (B, C)


def attention_of(model: nn.Module, layer: str, kind: str) -> Any:
    """The module of a layer that has relations of a kind.

    Raises:
        UnknownNameError: no such layer.
        RgavizError: it has none.
    """
    module = _related(find_layer(model, layer), kind)
    if module is None:
        known = relation_layers(model, kind)
        instead = f"choose {' or '.join(known)}" if known else "choose a network with RGA, such as rga.pt"
        raise RgavizError(f"{clipped(layer)} has no {kind} relations; {instead}.")
    return module


def _related(layer: nn.Module, kind: str) -> Any:
    """The outermost module in a layer with relations of a kind: the layer itself, or what it wraps; None for none."""
    for module in layer.modules():
        parts: list[Any] = list(module.modules())
        if hasattr(module, "related") and any(_has(part, kind) for part in parts):
            return module
    return None


def _has(part: Any, kind: str) -> bool:
    """Whether a module forms relations of a kind itself."""
    if getattr(part, "received", None) is not None:
        return kind == "spatial"
    attend = getattr(part, "attend", None)
    return attend is not None and bool(getattr(attend, "relations", False)) and part.kind == kind


def _seen(
    network: nn.Module, images: Tensor, module: nn.Module, kind: str = "spatial"
) -> tuple[Tensor, Tensor | None]:
    """The map (B, C, h, w) that a module sees in a forward pass, and its mask of a kind, if it has one."""
    maps: list[Tensor] = []
    thread = threading.get_ident()

    def keep(module: nn.Module, given: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            maps.append(given[0].detach())

    handle = module.register_forward_hook(keep)
    gates = [each for each in module.modules() if isinstance(each, Gate) and each.kind == kind]
    try:
        parameter = next(network.parameters())
        _, caught = explained_forward(
            network, images.to(parameter), layer=None, watched={f"mask/{kind}": gate for gate in gates[-1:]}
        )
    finally:
        handle.remove()
    if len(maps) != 1 or len(maps[0]) != len(images):
        raise RgavizError(
            "The attention of this layer is not used once for each picture; choose another layer."
        )
    return maps[0], next(iter(caught.masks.values()), None)


def _positions(places: Sequence[Sequence[Place]], size: Sequence[int]) -> Tensor:
    """Row and column of the cells of a map (h, w) that places of pictures lie in: (B, k, 2)."""
    cells = [[(int(y * size[0]), int(x * size[1])) for x, y in each] for each in places]
    return torch.tensor(cells, dtype=torch.long).view(len(places), -1, 2)


def _auto(module: Any, x: Tensor, mask: Tensor | None) -> Tensor:
    """The centre and the most and least attended position (B, 3, 2); without a mask, those that all look at."""
    height, width = x.shape[2:]
    attended = module.received(x) if mask is None else mask.flatten(1)  # (B, N)
    found = [attended.new_full((len(x),), height // 2 * width + width // 2).long()]
    found += [attended.argmax(1), attended.argmin(1)]
    index = torch.stack(found, dim=1)  # (B, 3)
    return torch.stack((index // width, index % width), dim=2)


FLAT = 0.05  # deviation over mean, below which relations hardly tell positions apart
ALIKE = 0.99  # correlation, above which what several positions look at is the same


def relation_doubts(values: np.ndarray) -> list[str]:
    """What a reader must know of a row or column (h, w) of relations; empty for one that tells positions apart."""
    mean = float(values.mean())
    if not np.isfinite(values).all():
        return ["not finite"]
    if values.std() <= FLAT * abs(mean) or mean == 0 == values.std():
        return ["flat relations"]
    return []


def alike(maps: np.ndarray) -> float:
    """How alike some maps (k, h, w) are: the mean correlation of two that are not flat; NaN of fewer than two."""
    flat = maps.reshape(len(maps), -1)  # (k, h, w) -> (k, N)
    flat = flat[np.ptp(flat, 1) > 0]
    if len(flat) < 2:
        return float("nan")
    return float(np.corrcoef(flat)[np.triu_indices(len(flat), 1)].mean())
