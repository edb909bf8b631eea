"""pytorch-grad-cam as the reference of our maps."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytorch_grad_cam
import torch
from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerVit

THEIRS = {  # method -> class
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "xgradcam": "XGradCAM",
    "gradcamelementwise": "GradCAMElementWise",
    "eigengradcam": "EigenGradCAM",
    "eigencam": "EigenCAM",
    "segeigencam": "SegEigenCAM",
    "kpcacam": "KPCA_CAM",
    "fem": "FEM",
    "scorecam": "ScoreCAM",
    "ablationcam": "AblationCAM",
    "shapleycam": "ShapleyCAM",
    "finercam": "FinerCAM",
    "fullgrad": "FullGrad",
    "randomcam": "RandomCAM",
}


class Zeros(AblationLayer):
    """Leaves channels out by zeros, as Ablation-CAM's paper does; the library's, only where the least value is zero."""

    def __call__(self, x):
        for row, channel in zip(self.activations, self.indices, strict=False):
            row[channel] = 0
        return self.activations


class ZerosLast(AblationLayerVit):
    """The same where channels are last."""

    def __call__(self, x):
        for row, channel in zip(self.activations, self.indices, strict=False):
            row[..., channel] = 0
        return self.activations


def library_maps(method, model, layer, images, about, *, channels_last=False, **options):
    """Maps (B, h, w) by the library's class of a method; ``about`` is what it takes: targets, or a list of classes."""
    if method == "ablationcam":
        options["ablation_layer"] = ZerosLast() if channels_last else Zeros()
    drawn = (
        torch.rand(4096, generator=torch.Generator().manual_seed(0)).numpy() * 2 - 1
    )  # Random-CAM's, in our order

    def uniform(low, high, size):
        return np.broadcast_to(drawn[: size[1]], size)

    kind = getattr(pytorch_grad_cam, THEIRS[method])
    with patch("numpy.random.uniform", uniform), kind(model, [layer], **options) as extract:
        if method == "finercam":
            each = [extract(image[None], target_idx=t) for image, t in zip(images, about, strict=True)]
            return np.concatenate(each)
        return extract(images, about)


def assert_close(maps, expected):
    """Within 1e-4 of the largest value of each map."""
    assert maps.shape == expected.shape
    assert maps.dtype == np.float32
    for one, other in zip(maps, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * other.max())
