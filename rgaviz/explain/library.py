"""The methods that pytorch-grad-cam computes, which make passes of their own."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rgaviz.explain.lending import unchanged
from rgaviz.explain.maps import as_map
from rgaviz.explain.methods import Method, weighted
from rgaviz.explain.targets import ClassTarget, Target


def library_maps(
    method: Method,
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    target: Target,
    output: Tensor,
    *,
    channels_last: bool,
) -> np.ndarray:
    """Raw maps (B, T, h, w) by pytorch-grad-cam, before it rescales them.

    Args:
        method: one with a class of the library.
        model: a network, lent.
        layer: a layer of it.
        images: (B, 3, H, W).
        target: what the maps are about; of classes, if the method compares those.
        output: of the images, detached.
        channels_last: whether the layer gives tokens or a map in that form.
    """
    maps = partial(_maps, method, model, layer, channels_last=channels_last)
    if method.classes:  # it takes one class for a whole batch, and finds those to compare it with by itself
        columns = cast(ClassTarget, target).classes(output).T.tolist()  # (T, B)
        each = images.split(1)
        found = [[maps(*pair) for pair in zip(each, column, strict=True)] for column in columns]
        return np.stack([np.concatenate(column) for column in found], 1)
    settled = target.settled(output)
    count = target.scores(output).shape[1]
    scores = [[partial(_score, each, column) for each in settled] for column in range(count)]  # (T, B)
    return np.stack([maps(images, column) for column in scores], 1)


def _score(target: Target, column: int, output: Tensor) -> Tensor:
    """One score, of one image's output (...): what the library calls a target."""
    return target.scores(output[None])[0, column]


def _maps(
    method: Method,
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    about: int | Sequence[Callable[[Tensor], Tensor]],
    *,
    channels_last: bool,
) -> np.ndarray:
    """Raw maps (B, h, w) about a class, or about a score of each image's own."""
    import pytorch_grad_cam
    from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerVit

    options: dict[str, Any] = {}
    if method.layered:
        options["reshape_transform"] = partial(as_map, image_size=images.shape[2:])
    if method.ablates:
        options["ablation_layer"] = AblationLayerVit() if channels_last else AblationLayer()
    # Only one way of attention has a second derivative.
    attention = sdpa_kernel(SDPBackend.MATH) if method.twice else contextlib.nullcontext()
    with (
        unchanged(model, trainable=True),
        _quiet(),
        _seeded(),
        getattr(pytorch_grad_cam, method.library)(model=model, target_layers=[layer], **options) as extractor,
        _sheltered(layer),
        attention,
    ):
        inputs = images.detach().clone().requires_grad_()
        base = getattr(extractor, "base_cam", extractor)
        if method.layered:
            base.compute_cam_per_layer = lambda *call: _raw(base, layer, *call)
        base.aggregate_multi_layers = lambda maps: maps
        maps = extractor(inputs, **{"target_idx" if method.classes else "targets": about})
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
