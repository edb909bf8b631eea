"""The methods that pytorch-grad-cam computes, which make passes of their own."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rgaviz.explain.lending import unchanged
from rgaviz.explain.maps import as_map
from rgaviz.explain.methods import LIBRARY, weighted


def library_maps(
    method: str, model: nn.Module, layer: nn.Module, images: Tensor, targets: Tensor, *, channels_last: bool
) -> np.ndarray:
    """Raw maps (B, h, w) by pytorch-grad-cam, before it rescales them; ``channels_last`` as the layer's output."""
    import pytorch_grad_cam
    from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerVit
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    if method == "finercam" and len(images) > 1:  # it takes one target for a whole batch
        pairs = zip(images.split(1), targets.split(1), strict=True)
        return np.concatenate(
            [library_maps(method, model, layer, *pair, channels_last=channels_last) for pair in pairs]
        )
    kind = getattr(pytorch_grad_cam, LIBRARY[method])
    chosen = [ClassifierOutputTarget(index) for index in targets.tolist()]
    options: dict[str, Any] = {}
    if method != "fullgrad":  # which has no layer
        options["reshape_transform"] = partial(as_map, image_size=images.shape[2:])
    if method == "ablationcam":
        options["ablation_layer"] = AblationLayerVit() if channels_last else AblationLayer()
    # Only one way of attention has the second derivative that this method takes.
    attention = sdpa_kernel(SDPBackend.MATH) if method == "shapleycam" else contextlib.nullcontext()
    with (
        unchanged(model, trainable=True),
        _quiet(),
        _seeded(),
        kind(model=model, target_layers=[layer], **options) as extractor,
        _sheltered(layer),
        attention,
    ):
        inputs = images.detach().clone().requires_grad_()
        base = getattr(extractor, "base_cam", extractor)
        if method != "fullgrad":
            base.compute_cam_per_layer = lambda *call: _raw(base, layer, *call)
        base.aggregate_multi_layers = lambda maps: maps
        if method == "finercam":  # it finds the classes to compare the target with by itself
            maps = extractor(inputs, target_idx=int(targets[0]))
        else:
            maps = extractor(inputs, chosen)
    return np.maximum(np.asarray(maps, dtype=np.float32).reshape(len(images), *maps.shape[-2:]), 0)


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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The library prints warnings and progress bars of its own."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Random-CAM draws from numpy's global state; the same map on every run, the state given back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
