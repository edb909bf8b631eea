"""Attention masks as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from rgaviz.explain.capture import explained_forward, network_and_inputs
from rgaviz.explain.declared import declared, parse_gates
from rgaviz.explain.gates import expand_layers
from rgaviz.explain.gates import gates as gates_of
from rgaviz.explain.lending import lent


def masks(
    model: Any,
    images: Any,
    layer: str = "all",
    gates: Mapping[str, str | None] | Sequence[str] | str | None = None,
    output: str | int | None = None,
) -> dict[str, np.ndarray]:
    """The attention masks of a network for some images; the network is not changed.

    Args:
        model: a network, or a checkpoint from :func:`rgaviz.load_checkpoint`.
        images: a normalised tensor (B, 3, H, W); with a checkpoint also paths or uint8 RGB arrays.
        layer: a stage such as ``"conv5"`` or a module such as ``"layer4"``, several joined by commas, or ``"all"``.
        gates: modules of your own that masks leave, ``{"att4.sigmoid": "spatial"}``; names may be patterns; where
            the kind is None the shape tells it.
        output: of a network that gives several outputs any one of them.

    Returns:
        Float32 arrays in [0, 1] keyed ``"conv5/spatial"`` (B, H, W), ``"conv5/channel"`` (B, C) and
        ``"conv5/joint"`` (B, C, H, W); where a layer has several of a kind, by module: ``"layer4.0.se/channel"``.

    Raises:
        RgavizError: no such layer, no attention in it, or a gate that gives no single mask for each image.
    """
    network, inputs = network_and_inputs(model, images)
    # Lent it is frozen, so nothing is recorded.
    with lent(network), declared(network, parse_gates(gates), inputs.shape[2:]):
        watched = {
            key: gate
            for name in expand_layers(network, layer)
            for key, gate in gates_of(network, name).items()
        }
        _, caught = explained_forward(network, inputs, layer=None, watched=watched, output=output)
    return mask_arrays(caught.masks)


def mask_arrays(caught: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Captured masks without their broadcast axes: (B, H, W), (B, C) or (B, C, H, W)."""
    shorten = {
        "spatial": lambda mask: mask[:, 0],
        "channel": lambda mask: mask[:, :, 0, 0],
        "joint": lambda mask: mask,
    }
    return {key: shorten[key.rpartition("/")[2]](mask).float().cpu().numpy() for key, mask in caught.items()}


def joint_means(mask: np.ndarray) -> dict[str, np.ndarray]:
    """What can be drawn and kept of joint masks (..., C, H, W).

    Returns:
        ``"joint-spatial"`` (..., H, W), the mean over the channels, and ``"joint-channel"`` (..., C), the mean over
        the positions.
    """
    return {"joint-spatial": mask.mean(-3), "joint-channel": mask.mean((-2, -1))}


def kept_masks(masks: Mapping[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    """One picture's masks of a batch, by layer and kind; of joint ones their means.

    A joint mask as a whole would fill the disk: C times what a spatial one takes.
    """
    kept: dict[str, np.ndarray] = {}
    for key, values in masks.items():
        layer, _, kind = key.rpartition("/")
        own = joint_means(values[row]) if kind == "joint" else {kind: values[row]}
        kept |= {f"{layer}/{each}": value for each, value in own.items()}
    return kept


def map_warnings(values: np.ndarray) -> list[str]:
    """What a reader must know about a map before believing it; empty for a sound one.

    Args:
        values: (h, w) or (C,), a mask or a class activation map after its ReLU.
    """
    if not np.isfinite(values).all():
        return ["not finite"]
    if values.size == 1:
        return ["a single value"]
    low, high = float(values.min()), float(values.max())
    if high <= 0:
        return ["no positive evidence"]
    if high - low <= 1e-6 * max(abs(high), 1e-12):
        return ["flat map"]
    return []
