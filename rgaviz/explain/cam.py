"""Class activation maps: every method of pytorch-grad-cam that fits a layer's map.

The methods in ``SHARED`` need only the activations and gradients of one layer, so they share one forward pass and,
per target, one backward pass that ends at that layer. Those in ``LIBRARY`` make passes of their own and run
through pytorch-grad-cam. Maps are raw: after the ReLU, not rescaled, at the layer's resolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, lookup
from rgaviz.explain.capture import explained_forward, network_and_inputs
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.explain.lending import unchanged
from rgaviz.explain.library import library_maps
from rgaviz.explain.maps import as_map
from rgaviz.explain.masks import mask_arrays
from rgaviz.explain.methods import LIBRARY, METHODS, SHARED
from rgaviz.explain.targets import choose_targets


@dataclass(frozen=True)
class Explanation:
    """What one pass over a batch found.

    Attributes:
        logits: (B, classes), on the CPU.
        masks: as :func:`rgaviz.masks` returns them.
        targets: (B, T) class indices the maps are about.
        cams: method -> (B, T, h, w) raw maps.
    """

    logits: Tensor
    masks: dict[str, np.ndarray]
    targets: np.ndarray
    cams: dict[str, np.ndarray]


def cam(
    model: Any,
    images: Any,
    layer: str | None = None,
    methods: Sequence[str] = ("gradcam",),
    targets: Sequence[int] | None = None,
) -> dict[str, np.ndarray]:
    """Class activation maps of a network for some images; the network is not changed.

    Args:
        model: a network, or a checkpoint from :func:`rgaviz.load_checkpoint`.
        images: a normalised tensor (B, 3, H, W); with a checkpoint also paths or uint8 RGB arrays.
        layer: a stage or dotted module name; by default the last stage, without stages the last layer with a map,
            for tokens the norm before the last attention.
        methods: of ``METHODS``.
        targets: class index per image; by default the predicted class.

    Returns:
        Float32 arrays (B, h, w) by method, raw after the ReLU, at the layer's resolution (``fullgrad``: at the
        image's).

    Raises:
        RgavizError: no such layer, method or class, or the layer's patch tokens do not reach the class.
    """
    network, inputs = network_and_inputs(model, images)
    wanted = "top1" if targets is None else torch.as_tensor(targets).view(-1, 1)  # (B, 1)
    layer = layer or default_cam_layer(network, inputs.shape[2:])
    found = explain(network, inputs, cam_layer=layer, methods=methods, target=wanted)
    return {method: maps[:, 0] for method, maps in found.cams.items()}


def explain(
    model: nn.Module,
    images: Tensor,
    *,
    cam_layer: str | None = None,
    methods: Sequence[str] = (),
    target: str | int | Tensor = "top1",
    watched: Mapping[str, nn.Module] | None = None,
) -> Explanation:
    """Predictions, masks and maps of one batch in one forward pass and one backward pass per target.

    Args:
        model: a network; not changed.
        images: (B, 3, H, W), normalised, on the model's device.
        cam_layer: the layer of the maps.
        methods: of ``METHODS``; none is fine.
        target: ``"top1"``, ``"top5"``, one class index for all, or indices (B, T).
        watched: modules whose masks are wanted, from :func:`rgaviz.explain.capture.gates`.
    """
    for method in methods:
        lookup(dict.fromkeys(METHODS), method, "CAM method")
    layer = find_layer(model, cam_layer) if methods and cam_layer else None
    shared = [method for method in methods if method in SHARED]
    cams: dict[str, np.ndarray] = {}
    with unchanged(model):
        logits, caught = explained_forward(model, images, target=layer, watched=watched or {})
        targets = choose_targets(logits.detach(), target)  # (B, T)
        # Methods without gradients may not look at tokens either that the class does not depend on.
        if caught.activations is not None and (shared or caught.activations.ndim == 3):
            size = images.shape[2:]
            activations = as_map(caught.activations.detach(), size)
            gradients = [_gradient(logits, column, caught.activations, size) for column in targets.T]
            for method in shared:
                maps = [SHARED[method](activations, each).relu() for each in gradients]  # T times (B, h, w)
                cams[method] = torch.stack(maps, 1).float().cpu().numpy()
    if layer is not None and caught.activations is not None:
        # (B, N, C) and (B, h, w, C) are brought into the form of a map; (B, C, h, w) is one.
        last = as_map(caught.activations, images.shape[2:]) is not caught.activations
        for method in (each for each in methods if each in LIBRARY):
            maps = [
                library_maps(method, model, layer, images, each, channels_last=last) for each in targets.T
            ]
            cams[method] = np.stack(maps, 1)
    return Explanation(logits.detach().float().cpu(), mask_arrays(caught.masks), targets.cpu().numpy(), cams)


def _gradient(logits: Tensor, targets: Tensor, activations: Tensor, image_size: Sequence[int]) -> Tensor:
    """Gradient (B, K, h, w) of every image's own target logit with respect to the activations."""
    scores = logits.gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(scores, activations, retain_graph=True)
    maps = as_map(gradient, image_size)
    if gradient.any() and not maps.any():
        raise RgavizError(
            "Only the class token of the layer to explain reaches the class, not its patch tokens; choose an earlier "
            "layer, such as the norm before the last attention."
        )
    return maps
