"""Class activation maps: every method of pytorch-grad-cam that fits a layer's map.

The methods in ``SHARED`` need only the activations and gradients of one layer, so they share one forward pass and,
per target, one backward pass that ends at that layer. Those in ``LIBRARY`` make passes of their own and run
through pytorch-grad-cam. Maps are raw: after the ReLU, not rescaled, at the layer's resolution.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Maps = Callable[
    [Tensor, Tensor], Tensor
]  # activations and gradients (B, K, h, w) -> (B, h, w) before the ReLU


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
