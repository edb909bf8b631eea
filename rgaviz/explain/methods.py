"""Class activation mapping: one table of methods, and the arithmetic of those that need one pass only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Activations and gradients (B, K, h, w) -> (B, h, w) before the ReLU.
Maps = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Method:
    """How a method makes its maps: by ``maps`` from a pass that all share, or by a class of pytorch-grad-cam.

    Attributes:
        title: as printed.
        maps: from the activations and gradients of one layer.
        library: the class of pytorch-grad-cam that makes passes of its own.
        layered: whether the maps are those of a layer; else of the whole network, at the image's size.
        classes: whether it compares a class with others, so that nothing but a class can be the target.
        twice: whether it differentiates twice.
        ablates: whether it replaces the layer by one that leaves channels out.
    """

    title: str
    maps: Maps | None = None
    library: str = ""
    layered: bool = True
    classes: bool = False
    twice: bool = False
    ablates: bool = False


def weighted(weights: Tensor, activations: Tensor) -> Tensor:
    """Sum over channels of (B, K) or (B, K, h, w) weights times (B, K, h, w) activations: (B, h, w)."""
    weights = weights if weights.ndim == 4 else weights[:, :, None, None]
    return (weights * activations).sum(1)


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


METHODS: dict[str, Method] = {
    "gradcam": Method("Grad-CAM", gradcam),
    "gradcam++": Method("Grad-CAM++", gradcam_plus_plus),
    "layercam": Method("LayerCAM", layercam),
    "hirescam": Method("HiResCAM", hirescam),
    "xgradcam": Method("XGrad-CAM", xgradcam),
    "gradcamelementwise": Method("Grad-CAM elementwise", gradcam_elementwise),
    "eigengradcam": Method("Eigen-Grad-CAM", eigengradcam),
    "eigencam": Method("Eigen-CAM", eigencam),
    "segeigencam": Method("Seg-Eigen-CAM", segeigencam),
    "kpcacam": Method("KPCA-CAM", kpcacam),
    "fem": Method("FEM", fem),
    "scorecam": Method("Score-CAM", library="ScoreCAM"),
    "ablationcam": Method("Ablation-CAM", library="AblationCAM", ablates=True),
    "shapleycam": Method("Shapley-CAM", library="ShapleyCAM", twice=True),
    "finercam": Method("Finer-CAM", library="FinerCAM", classes=True),
    "fullgrad": Method("FullGrad", library="FullGrad", layered=False),
    "randomcam": Method("Random-CAM", library="RandomCAM"),
}
