"""pytorch-grad-cam as the reference of our maps."""

from __future__ import annotations

import numpy as np

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


def assert_close(maps, expected):
    """Within 1e-4 of the largest value of each map."""
    assert maps.shape == expected.shape
    assert maps.dtype == np.float32
    for one, other in zip(maps, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * other.max())
