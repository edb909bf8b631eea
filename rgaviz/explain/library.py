"""The methods that pytorch-grad-cam computes, which make passes of their own: picture by picture."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rgaviz.attention.slot import slots_last
from rgaviz.errors import RgavizError
from rgaviz.explain.lending import lent
from rgaviz.explain.maps import as_map
from rgaviz.explain.methods import Method, weighted
from rgaviz.explain.probes import Probe
from rgaviz.explain.targets import ClassTarget, Target


def library_map(method: Method, probe: Probe) -> np.ndarray:
    """Raw map (T, h, w) of one picture by pytorch-grad-cam, before it rescales it.

    Args:
        method: one with a class of the library.
        probe: the picture; its target is of classes, if the method compares those.

    Raises:
        RgavizError: a network in half precision, which the library cannot take.
    """
    if probe.activations.dtype != torch.float32:
        raise RgavizError(
            f"{method.title} needs a network in float32, not {probe.activations.dtype}; call network.float() first."
        )
    if method.classes:  # it takes a class, and finds those to compare it with by itself
        classes: list[int] = cast(ClassTarget, probe.target).classes(probe.answer)[0].tolist()  # (T,)
        return np.concatenate([_map(method, probe, each) for each in classes])
    count = probe.target.scores(probe.answer).shape[1]
    return np.concatenate([_map(method, probe, [partial(_score, probe.target, n)]) for n in range(count)])


def _score(target: Target, column: int, output: Tensor) -> Tensor:
    """One score, of one image's output (...): what the library calls a target."""
    return target.scores(output[None])[0, column]


def _map(method: Method, probe: Probe, about: int | list[Callable[[Tensor], Tensor]]) -> np.ndarray:
    """Raw map (1, h, w) about a class, or about a score."""
    import pytorch_grad_cam

    options: dict[str, Any] = {}
    if method.layered:
        options["reshape_transform"] = partial(as_map, image_size=probe.image.shape[2:])
    layers = [probe.layer] if method.layered else []
    # Only one way of attention has a second derivative.
    attention = sdpa_kernel(SDPBackend.MATH) if method.twice else contextlib.nullcontext()
    with (
        lent(probe.network, trainable=True),
        getattr(pytorch_grad_cam, method.library)(probe.network, layers, **options) as extractor,
        _sheltered(probe.layer),
        slots_last(probe.layer),
        attention,
    ):
        inputs = probe.image.detach().clone().requires_grad_()
        base = getattr(extractor, "base_cam", extractor)
        if method.layered:
            base.compute_cam_per_layer = lambda *call: _raw(base, probe.layer, *call)
        base.aggregate_multi_layers = lambda maps: maps
        try:
            maps = extractor(inputs, **{"target_idx" if method.classes else "targets": about})
        finally:  # what was computed hangs on the output, and would stay until the garbage is collected
            base.outputs = base.compute_cam_per_layer = None
    return np.maximum(np.asarray(maps, dtype=np.float32).reshape(1, *maps.shape[-2:]), 0)


def _raw(extractor: Any, layer: nn.Module, inputs: Tensor, targets: Any, smooth: bool) -> np.ndarray:
    found = extractor.activations_and_grads
    arrays = [found.activations[0], found.gradients[0] if found.gradients else None]
    activations = arrays[0].detach()
    if extractor.detach:
        arrays = [None if each is None else each.cpu().numpy() for each in arrays]
    else:  # Shapley-CAM, which brings into the form of a map what it weights by, and not what it weights
        activations = found.reshape_transform(activations)
    weights = extractor.get_cam_weights(inputs, layer, targets, *arrays)  # (B, K)
    found.activations, found.gradients = [], []  # the library cannot let go of views
    return weighted(torch.as_tensor(weights), activations.cpu()).numpy()


@contextlib.contextmanager
def _sheltered(layer: nn.Module) -> Iterator[None]:
    """An in-place ReLU behind the layer must not touch the activations the library keeps without a copy."""
    handle = layer.register_forward_hook(lambda module, inputs, output: output.clone())
    try:
        yield
    finally:
        handle.remove()
