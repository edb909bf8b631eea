"""Class activation maps: every method of pytorch-grad-cam that fits a layer's map.

Methods that need only the activations and gradients of one layer share one forward pass and, per score of the target,
one backward pass that ends at that layer. The others make passes of their own, picture by picture. Maps are raw: after
the ReLU, not rescaled, at the layer's resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rgaviz.ends import the_output
from rgaviz.errors import RgavizError, lookup, words
from rgaviz.explain.capture import explained_forward, network_and_inputs
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.explain.lending import lent
from rgaviz.explain.library import library_map
from rgaviz.explain.maps import as_map
from rgaviz.explain.masks import mask_arrays
from rgaviz.explain.methods import METHODS, Method, by_component, weighted
from rgaviz.explain.probes import Probe, probes
from rgaviz.explain.targets import (
    ClassTarget,
    DoubtfulTarget,
    Target,
    check_target,
    given_classes,
    scored,
    top_classes,
)


@dataclass(frozen=True)
class Explanation:
    """What one pass over a batch found.

    Attributes:
        output: of the network (B, ...), float32, on the CPU.
        masks: as :func:`rgaviz.masks` returns them.
        about: captions (B, T) of what the maps are about.
        doubts: warnings (B, T) of what they are about, "" where there is none; empty of a target without.
        cams: method -> (B, T, h, w) raw maps.
    """

    output: Tensor
    masks: dict[str, np.ndarray]
    about: list[list[str]]
    cams: dict[str, np.ndarray]
    doubts: list[list[str]] = field(default_factory=list)


def cam(
    model: Any,
    images: Any,
    layer: str | None = None,
    methods: str | Sequence[str] = ("gradcam",),
    targets: Sequence[int] | Sequence[str] | str | Target | Callable[[Tensor], Tensor] | None = None,
    output: str | int | None = None,
) -> dict[str, np.ndarray]:
    """Class activation maps of a network for some images; the network is not changed.

    Args:
        model: a network, or a checkpoint from :func:`rgaviz.load_checkpoint`.
        images: a normalised tensor (B, 3, H, W); with a checkpoint also paths or uint8 RGB arrays.
        layer: a stage or dotted module name; by default the last stage, without stages the last layer with a map,
            for tokens the norm before the last attention.
        methods: of ``METHODS``.
        targets: class index per image, or with a checkpoint its name, or one name for all; or a function of the
            network's output (B, ...) that gives a score (B,) for each image; or a
            :class:`rgaviz.explain.targets.Target`. By default what is usual for the checkpoint's task, such as the
            predicted class, which a bare network is asked for as well.
        output: of a bare network that gives several outputs the one that is meant: a key, a name or a place.

    Returns:
        Float32 arrays (B, h, w) by method, raw after the ReLU, at the layer's resolution (``fullgrad``: at the
        image's); (B, T, h, w) where the target has T > 1 scores.

    Raises:
        RgavizError: no such layer, method or class, a target that the method or the layer does not fit, or the
            layer's patch tokens do not reach the target.
    """
    network, inputs = network_and_inputs(model, images)
    layer = layer or default_cam_layer(network, inputs.shape[2:])
    forward, target = _asked_of(model, targets)
    if output is not None:
        whole = forward or network
        forward = lambda images: the_output(whole(images), output)  # noqa: E731
    found = explain(network, inputs, forward=forward, cam_layer=layer, methods=methods, target=target)
    return {method: maps[:, 0] if maps.shape[1] == 1 else maps for method, maps in found.cams.items()}


def _asked_of(model: Any, targets: Any) -> tuple[Callable[[Tensor], Tensor] | None, Target]:
    """What of a network or checkpoint is explained, and the target; only a checkpoint knows what it is for."""
    if isinstance(model, nn.Module):
        return None, top_classes(1) if targets is None else _as_target(targets)
    if targets is None or isinstance(targets, str):
        return model.scored(), model.target(targets)
    if isinstance(targets, Sequence) and targets and all(isinstance(each, str) for each in targets):
        names = {name: place for place, name in enumerate(model.classes)}
        targets = [lookup(names, each, "target class") for each in targets]
    return model.scored(), _as_target(targets)


def _as_target(targets: Any) -> Target:
    if isinstance(targets, Target):
        return targets
    if callable(targets):
        function: Any = targets
        return scored(function)
    return given_classes(targets)


def explain(
    model: nn.Module,
    images: Tensor,
    *,
    forward: Callable[[Tensor], Tensor] | None = None,
    cam_layer: str | None = None,
    methods: str | Sequence[str] = (),
    target: Target | None = None,
    watched: Mapping[str, nn.Module] | None = None,
    signed: bool = False,
    component: bool = False,
) -> Explanation:
    """Output, masks and maps of one batch in one forward pass and one backward pass per score.

    Args:
        model: a network; not changed.
        images: (B, 3, H, W), normalised, on the model's device.
        forward: what of the network is explained, such as ``model.embed``: images -> output; by default the network.
        cam_layer: the layer of the maps.
        methods: of ``METHODS``; none is fine.
        target: what the maps are about; without maps none is needed.
        watched: modules whose masks are wanted, from :func:`rgaviz.explain.gates.gates`.
        signed: without the ReLU at the end.
        component: the first principal component over channels in place of their sum.

    Raises:
        RgavizError: as :func:`cam`, or maps without a target.
    """
    methods = words(methods, "Methods", "gradcam")
    if methods and target is None:
        raise RgavizError(
            "A map is about something: give a target, such as rgaviz.explain.targets.top_classes(1)."
        )
    for name in methods:
        if lookup(METHODS, name, "CAM method").classes and not isinstance(target, ClassTarget):
            raise RgavizError(f"{name} compares classes: give it a class as target, or leave the method out.")
    layer = find_layer(model, cam_layer) if methods and cam_layer else None
    network = model if forward is None or forward is model else _Part(model, forward)
    cams: dict[str, np.ndarray] = {}
    with lent(model), by_component() if component else nullcontext():
        output, caught = explained_forward(network, images, layer=layer, watched=watched or {})
        about: list[list[str]] = []
        doubts: list[list[str]] = []
        if target is not None:
            scores, about = _asked(target, output)
            doubts = target.doubts(output.detach()) if isinstance(target, DoubtfulTarget) else []
        if target is not None and layer is not None and caught.activations is not None:
            cams = _shared_maps(methods, scores, caught.activations, images.shape[2:], signed=signed)
            if own := [name for name in methods if not METHODS[name].maps]:
                # From here on no graph of all pictures is in memory beside the passes of one.
                output, caught.activations, scores = output.detach(), caught.activations.detach(), None
                asked = list(probes(network, layer, images, caught.activations, output, target))
                cams |= {
                    name: np.stack([_probed_map(METHODS[name], probe, signed=signed) for probe in asked])
                    for name in own
                }
            cams = {name: cams[name] for name in methods}
    return Explanation(output.detach().float().cpu(), mask_arrays(caught.masks), about, cams, doubts)


class _Part(nn.Module):
    """A network called by a function of it; a module with the network's own, as pytorch-grad-cam needs one."""

    def __init__(self, model: nn.Module, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self.call = model, call

    def forward(self, images: Tensor) -> Tensor:
        return self.call(images)


def _asked(target: Target, output: Tensor) -> tuple[Tensor, list[list[str]]]:
    """Scores (B, T) and captions (B, T)."""
    check_target(target)
    scores = target.scores(output)
    if scores.ndim != 2 or len(scores) != len(output):
        raise RgavizError(
            f"The target gives scores {tuple(scores.shape)} for {len(output)} images; it must give (B,) or (B, T)."
        )
    about = target.about(output.detach())
    if [len(row) for row in about] != [scores.shape[1]] * len(output):
        raise RgavizError(
            f"The target gives {scores.shape[1]} scores for an image; name as many, not {len(about[0])}."
        )
    return scores, about


def _shared_maps(
    methods: Sequence[str], scores: Tensor, leaf: Tensor, image_size: Sequence[int], *, signed: bool
) -> dict[str, np.ndarray]:
    """Maps (B, T, h, w) by those methods that need only activations and gradients."""
    shared = {name: maps for name in methods if (maps := METHODS[name].maps)}
    if not shared and leaf.ndim == 4:
        return {}  # but tokens that the scores do not depend on are no matter for other methods either
    activations = as_map(leaf.detach(), image_size).float()
    gradients = [_gradient(column.sum(), leaf, image_size).float() for column in scores.unbind(1)]
    found = {}
    for name, maps in shared.items():
        told = gradients[:1] if METHODS[name].classless else gradients
        made = torch.stack([maps(activations, each) for each in told], 1)  # (B, 1 or T, h, w)
        made = made if signed else made.relu()
        found[name] = made.expand(-1, len(gradients), -1, -1).contiguous().cpu().numpy()
    return found


def _probed_map(method: Method, probe: Probe, *, signed: bool) -> np.ndarray:
    """Map (T, h, w) of one picture by a method that makes passes of its own."""
    if method.weights is None:
        return library_map(method, probe)
    with torch.no_grad():
        weights = method.weights(probe).T  # (K, T) -> (T, K)
        made = weighted(weights, probe.map.float())
        return (made if signed else made.relu()).cpu().numpy()


def _gradient(score: Tensor, leaf: Tensor, image_size: Sequence[int]) -> Tensor:
    """Gradient (B, K, h, w) of a score, summed over the images, with respect to the activations."""
    found = None
    if score.requires_grad:
        (found,) = torch.autograd.grad(score, leaf, retain_graph=True, allow_unused=True)
    if found is None:
        raise RgavizError(
            "The target has no gradient at the layer to explain; choose another layer, or a target that is a smooth "
            "function of what lies behind it."
        )
    maps = as_map(found, image_size)
    if found.any() and not maps.any():
        raise RgavizError(
            "Only the class token of the layer to explain reaches the class, not its patch tokens; choose an earlier "
            "layer, such as the norm before the last attention."
        )
    return maps
