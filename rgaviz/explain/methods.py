"""Class activation mapping: one table of methods, and the arithmetic of those that need one pass only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rgaviz.errors import RgavizError
from rgaviz.explain.probes import Weights, ablationcam, scorecam

LARGEST_KERNEL = 64 * 64  # positions; their kernel is of float64, and several copies of it are made

# Activations and gradients (B, K, h, w) -> (B, h, w) before the ReLU.
Maps = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Method:
    """How a method makes its maps: from a pass that all share, from passes of its own, or by pytorch-grad-cam.

    Attributes:
        title: as printed.
        maps: from the activations and gradients of one layer.
        weights: from passes with something left out.
        library: the class of pytorch-grad-cam that makes passes of its own.
        layered: whether the maps are those of a layer; else of the whole network, at the image's size.
        classes: whether it compares a class with others, so that nothing but a class can be the target.
        twice: whether it differentiates twice.
        classless: whether its maps are the same whatever the target.
        summed: whether the map is a sum over channels, by :func:`weighted`.
        arbitrary_sign: whether the sign of a map, and so what its ReLU leaves, says nothing.
    """

    title: str
    maps: Maps | None = None
    weights: Weights | None = None
    library: str = ""
    layered: bool = True
    classes: bool = False
    twice: bool = False
    classless: bool = False
    arbitrary_sign: bool = False
    summed: bool = False


_component_wanted: ContextVar[bool] = ContextVar("component", default=False)


@contextmanager
def by_component() -> Iterator[None]:
    """Within the block methods take the first principal component over channels where they would take the sum."""
    token = _component_wanted.set(True)
    try:
        yield
    finally:
        _component_wanted.reset(token)


def weighted(weights: Tensor, activations: Tensor) -> Tensor:
    """Sum over channels of (B, K) or (B, K, h, w) weights times (B, K, h, w) activations: (B, h, w).

    Within :func:`by_component` their first principal component, as pytorch-grad-cam's ``eigen_smooth``, but with the
    sign of the sum.
    """
    weights = weights if weights.ndim == 4 else weights[:, :, None, None]
    whole = weights * activations
    plain = whole.sum(1)
    if not _component_wanted.get():
        return plain
    maps = _component(whole).to(plain)
    alike = ((maps * plain).sum((1, 2), keepdim=True) >= 0).to(maps)  # (B, 1, 1)
    return maps * (2 * alike - 1)


def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM, Selvaraju et al., ICCV 2017: channels weighted by their mean gradient."""
    return weighted(gradients.mean((2, 3)), activations)


def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++, Chattopadhay et al., WACV 2018, with the closed form of its third derivatives."""
    square, cube = gradients**2, gradients**3
    total = activations.sum((2, 3), keepdim=True)  # (B, K, 1, 1)
    share = torch.where(gradients != 0, square / (2 * square + total * cube + 1e-6), 0.0)
    return weighted((gradients.relu() * share).sum((2, 3)), activations)


def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """XGrad-CAM, Fu et al., BMVC 2020: gradients averaged with the activations as weights."""
    total = activations.sum((2, 3), keepdim=True)  # (B, K, 1, 1)
    return weighted((gradients * activations / (total + 1e-7)).sum((2, 3)), activations)


def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM, Jiang et al., TIP 2021: every position weighted by its own positive gradient."""
    return weighted(gradients.relu(), activations)


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM, Draelos and Carin, 2020: every position weighted by its own gradient."""
    return weighted(gradients, activations)


def gradcam_elementwise(activations: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM with the ReLU before the sum over channels, as in pytorch-grad-cam."""
    return (gradients * activations).relu().sum(1)


def fem(activations: Tensor, gradients: Tensor) -> Tensor:
    """FEM, Fuad et al., IPTA 2020: channels weighted by how much of them exceeds mean + 2 deviations."""
    mean, deviation = (
        activations.mean((2, 3), keepdim=True),
        activations.std((2, 3), keepdim=True, correction=0),
    )
    return weighted((activations > mean + 2 * deviation).float().mean((2, 3)), activations)


def _component(values: Tensor) -> Tensor:
    """First principal component (B, h, w) of the positions of (B, K, h, w), whose sign is arbitrary."""
    rows = values.nan_to_num().flatten(2).transpose(1, 2)  # (B, K, h, w) -> (B, h w, K)
    rows = rows - rows.mean(1, keepdim=True)
    # NumPy's, for the sign that pytorch-grad-cam has; its full form would take (h w)^2. Picture by picture.
    first = [np.linalg.svd(each.cpu().numpy(), full_matrices=False)[2][0] for each in rows]  # (K,) each
    return torch.einsum("bnk,bk->bn", rows.cpu(), torch.from_numpy(np.stack(first))).unflatten(
        1, values.shape[2:]
    )


def eigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Eigen-CAM, Muhammad and Yeasin, IJCNN 2020: first principal component of the activations; no target."""
    return _component(activations)


def eigengradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Eigen-CAM of gradient times activation, as in pytorch-grad-cam."""
    return _component(gradients * activations)


def segeigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Seg-Eigen-CAM, Chung and Ying, 2025: Eigen-CAM of activations times absolute gradients, its sign corrected."""
    maps = _component(gradients.abs() * activations)
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return torch.where(low.abs() > high.abs(), -maps, maps)


def kpcacam(activations: Tensor, gradients: Tensor) -> Tensor:
    """KPCA-CAM, Karmani et al., 2024: first component by a sigmoid kernel, as in pytorch-grad-cam; no target.

    Raises:
        RgavizError: the kernel of so many positions would not fit into memory.
    """
    from sklearn.decomposition import KernelPCA

    height, width = activations.shape[2:]
    if height * width > LARGEST_KERNEL:
        raise RgavizError(
            f"kpcacam compares all positions of a layer, here {height}x{width}, which takes "
            f"{(height * width) ** 2 * 8 / 2**30:.1f} GiB; choose a deeper layer, of at most {LARGEST_KERNEL}."
        )
    rows = activations.nan_to_num().flatten(2).transpose(1, 2)  # (B, K, h, w) -> (B, h w, K)
    rows = (rows - rows.mean(1, keepdim=True)).cpu().numpy()
    # Its solver starts at random: from the same state, whatever was drawn before.
    found = [KernelPCA(n_components=1, kernel="sigmoid", random_state=0).fit_transform(each) for each in rows]
    return torch.stack([torch.from_numpy(each) for each in found]).view(-1, height, width)


def randomcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Random-CAM of pytorch-grad-cam, a floor for the others: weights drawn from [-1, 1], the same for each picture."""
    drawn = torch.rand(activations.shape[1], generator=torch.Generator().manual_seed(0)) * 2 - 1  # (K,)
    return weighted(drawn.to(activations.device).expand(len(activations), -1), activations)


METHODS: dict[str, Method] = {
    "gradcam": Method("Grad-CAM", gradcam, summed=True),
    "gradcam++": Method("Grad-CAM++", gradcam_plus_plus, summed=True),
    "layercam": Method("LayerCAM", layercam, summed=True),
    "hirescam": Method("HiResCAM", hirescam, summed=True),
    "xgradcam": Method("XGrad-CAM", xgradcam, summed=True),
    "gradcamelementwise": Method("Grad-CAM elementwise", gradcam_elementwise),
    "eigengradcam": Method("Eigen-Grad-CAM", eigengradcam, arbitrary_sign=True),
    "eigencam": Method("Eigen-CAM", eigencam, classless=True, arbitrary_sign=True),
    "segeigencam": Method("Seg-Eigen-CAM", segeigencam),
    "kpcacam": Method("KPCA-CAM", kpcacam, classless=True, arbitrary_sign=True),
    "fem": Method("FEM", fem, classless=True),
    "scorecam": Method("Score-CAM", weights=scorecam),
    "ablationcam": Method("Ablation-CAM", weights=ablationcam),
    "shapleycam": Method("Shapley-CAM", library="ShapleyCAM", twice=True),
    "finercam": Method("Finer-CAM", library="FinerCAM", classes=True),
    "fullgrad": Method("FullGrad", library="FullGrad", layered=False),
    "randomcam": Method("Random-CAM", randomcam, classless=True),
}
