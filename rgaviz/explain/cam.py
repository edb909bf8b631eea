"""Class activation maps: every method of pytorch-grad-cam that fits a layer's map.

The methods in ``SHARED`` need only the activations and gradients of one layer, so they share one forward pass and,
per target, one backward pass that ends at that layer. Those in ``LIBRARY`` make passes of their own and run
through pytorch-grad-cam. Maps are raw: after the ReLU, not rescaled, at the layer's resolution.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rgaviz.errors import RgavizError, lookup
from rgaviz.explain.capture import (
    as_map,
    default_cam_layer,
    explained_forward,
    find_layer,
    network_and_inputs,
    unchanged,
)
from rgaviz.explain.masks import mask_arrays

Maps = Callable[
    [Tensor, Tensor], Tensor
]  # activations and gradients (B, K, h, w) -> (B, h, w) before the ReLU


def _weighted(weights: Tensor, activations: Tensor) -> Tensor:
    """Sum over channels of (B, K) or (B, K, h, w) weights times (B, K, h, w) activations: (B, h, w)."""
    weights = weights if weights.ndim == 4 else weights[:, :, None, None]
    return (weights * activations).sum(1)


def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM, Selvaraju et al., ICCV 2017: channels weighted by their mean gradient."""
    return _weighted(gradients.mean((2, 3)), activations)


def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++, Chattopadhay et al., WACV 2018, with the closed form of its third derivatives."""
    square, cube = gradients**2, gradients**3
    total = activations.sum((2, 3), keepdim=True)  # (B, K, 1, 1)
    share = torch.where(gradients != 0, square / (2 * square + total * cube + 1e-6), 0.0)
    return _weighted((gradients.relu() * share).sum((2, 3)), activations)


def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """XGrad-CAM, Fu et al., BMVC 2020: gradients averaged with the activations as weights."""
    total = activations.sum((2, 3), keepdim=True)  # (B, K, 1, 1)
    return _weighted((gradients * activations / (total + 1e-7)).sum((2, 3)), activations)


def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM, Jiang et al., TIP 2021: every position weighted by its own positive gradient."""
    return _weighted(gradients.relu(), activations)


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM, Draelos and Carin, 2020: every position weighted by its own gradient."""
    return _weighted(gradients, activations)


def gradcam_elementwise(activations: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM with the ReLU before the sum over channels, as in pytorch-grad-cam."""
    return (gradients * activations).relu().sum(1)


def fem(activations: Tensor, gradients: Tensor) -> Tensor:
    """FEM, Fuad et al., IPTA 2020: channels weighted by how much of them exceeds mean + 2 deviations."""
    mean, deviation = (
        activations.mean((2, 3), keepdim=True),
        activations.std((2, 3), keepdim=True, correction=0),
    )
    return _weighted((activations > mean + 2 * deviation).float().mean((2, 3)), activations)


def _projection(function: str, values: Tensor) -> Tensor:
    """First principal component (B, h, w) of (B, K, h, w) by pytorch-grad-cam, whose arbitrary sign we share."""
    from pytorch_grad_cam.utils import svd_on_activations

    project = getattr(svd_on_activations, function)
    return torch.from_numpy(project(values.cpu().numpy()))


def eigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Eigen-CAM, Muhammad and Yeasin, IJCNN 2020: first principal component of the activations; no class."""
    return _projection("get_2d_projection", activations)


def eigengradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Eigen-CAM of gradient times activation, as in pytorch-grad-cam."""
    return _projection("get_2d_projection", gradients * activations)


def kpcacam(activations: Tensor, gradients: Tensor) -> Tensor:
    """KPCA-CAM, Karmani et al., 2024: first kernel principal component of the activations; no class."""
    return _projection("get_2d_projection_kernel", activations)


def segeigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Seg-Eigen-CAM, Chung and Ying, 2025: Eigen-CAM of activations times absolute gradients, sign corrected."""
    return _projection("get_2d_projection_with_sign_correction", gradients.abs() * activations)


SHARED: dict[str, Maps] = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "layercam": layercam,
    "hirescam": hirescam,
    "xgradcam": xgradcam,
    "gradcamelementwise": gradcam_elementwise,
    "eigengradcam": eigengradcam,
    "eigencam": eigencam,
    "segeigencam": segeigencam,
    "kpcacam": kpcacam,
    "fem": fem,
}
# Method -> class of pytorch-grad-cam.
LIBRARY: dict[str, str] = {
    "scorecam": "ScoreCAM",
    "ablationcam": "AblationCAM",
    "shapleycam": "ShapleyCAM",
    "finercam": "FinerCAM",
    "fullgrad": "FullGrad",
    "randomcam": "RandomCAM",
}
METHODS = (*SHARED, *LIBRARY)
TITLES = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "xgradcam": "XGrad-CAM",
    "gradcamelementwise": "Grad-CAM elementwise",
    "eigengradcam": "Eigen-Grad-CAM",
    "eigencam": "Eigen-CAM",
    "segeigencam": "Seg-Eigen-CAM",
    "kpcacam": "KPCA-CAM",
    "fem": "FEM",
    "scorecam": "Score-CAM",
    "ablationcam": "Ablation-CAM",
    "shapleycam": "Shapley-CAM",
    "finercam": "Finer-CAM",
    "fullgrad": "FullGrad",
    "randomcam": "Random-CAM",
}


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
            maps = [_library(method, model, layer, images, each, channels_last=last) for each in targets.T]
            cams[method] = np.stack(maps, 1)
    return Explanation(logits.detach().float().cpu(), mask_arrays(caught.masks), targets.cpu().numpy(), cams)


def choose_targets(logits: Tensor, target: str | int | Tensor) -> Tensor:
    """Class indices (B, T) for ``logits`` (B, classes); ``target`` as in :func:`explain`.

    Raises:
        RgavizError: a class that does not exist, or the wrong number of targets.
    """
    batch, classes = logits.shape
    if isinstance(target, str):
        count = lookup({"top1": 1, "top5": 5}, target, "target")
        return logits.topk(min(count, classes), dim=1).indices
    chosen = torch.as_tensor(target, device=logits.device).long()
    chosen = chosen.expand(batch, 1) if chosen.ndim == 0 else chosen
    if chosen.ndim != 2 or len(chosen) != batch:
        raise RgavizError(f"{len(chosen)} targets for {batch} images; give one class index per image.")
    if int(chosen.min()) < 0 or int(chosen.max()) >= classes:
        raise RgavizError(f"A target lies outside the {classes} classes (0 to {classes - 1}).")
    return chosen


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


def _library(
    method: str, model: nn.Module, layer: nn.Module, images: Tensor, targets: Tensor, *, channels_last: bool
) -> np.ndarray:
    """Raw maps (B, h, w) by pytorch-grad-cam, before it rescales them; ``channels_last`` as the layer's output."""
    import pytorch_grad_cam
    from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerVit
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    if method == "finercam" and len(images) > 1:  # it takes one target for a whole batch
        pairs = zip(images.split(1), targets.split(1), strict=True)
        return np.concatenate(
            [_library(method, model, layer, *pair, channels_last=channels_last) for pair in pairs]
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
    return _weighted(torch.as_tensor(weights), activations.cpu()).numpy()


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
