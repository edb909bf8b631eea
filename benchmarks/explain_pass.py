"""All masks and Grad-CAM in one pass, against a plain forward pass and against pytorch-grad-cam.

Shapes: images (8, 3, 224, 224), ResNet-50 with RGA-SC after all four stages, Grad-CAM at conv5 (8, 2048,
14, 14) for the predicted class; ``explain`` also gives the eight masks. The forward pass runs under
``inference_mode`` and keeps nothing. pytorch-grad-cam is used as its README shows, on the same network;
that its maps are ours is checked before the timing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from measure import Claim, Result, alternate, run, seconds
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor, nn

import rgaviz
from rgaviz.explain.cam import Explanation, explain
from rgaviz.explain.gates import gated_layers, gates
from rgaviz.explain.layers import find_layer
from rgaviz.explain.targets import top_classes


def trained_looking(
    arch: str, size: int, images: Tensor, attention: str = "rga-sc", **options: Any
) -> nn.Module:
    """A network in eval mode whose running statistics fit its weights, so that activations stay finite."""
    model = rgaviz.create_model(arch, attention, num_classes=1000, image_size=(size, size), **options).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = 1.0
    with torch.no_grad():
        model(images)
    return model.eval()


def ours(model: nn.Module, images: Tensor) -> Explanation:
    """Every mask, and Grad-CAM at the last stage."""
    watched = {key: gate for name in gated_layers(model) for key, gate in gates(model, name).items()}
    return explain(
        model, images, cam_layer="conv5", methods=["gradcam"], target=top_classes(1), watched=watched
    )


def library(model: nn.Module, images: Tensor) -> np.ndarray:
    """Grad-CAM (B, H, W), scaled to [0, 1] and to the image, by pytorch-grad-cam."""
    with GradCAM(model=model, target_layers=[find_layer(model, "conv5")]) as cam:
        return cam(input_tensor=images, targets=None)


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """Logits (B, classes), nothing kept."""
    with torch.inference_mode():
        return model(images)


def check_same_maps(model: nn.Module, images: Tensor) -> None:
    """Raise unless both give the same Grad-CAM, and explain() gives every mask."""
    found, size = (
        ours(model, images),
        images.shape[3],
    )
    scaled = scale_cam_image(
        scale_cam_image(found.cams["gradcam"][:, 0], (size, size))
    )  # as the library scales
    np.testing.assert_allclose(scaled, library(model, images), atol=1e-4)
    if len(found.masks) != 8 or not scaled.any():
        raise AssertionError(f"Expected eight masks and a map, found {sorted(found.masks)}.")


def measure(quick: bool) -> Result:
    """Time one plain forward pass, ours, and the library."""
    arch, size, batch, repeats = ("resnet18", 64, 2, 2) if quick else ("resnet50", 224, 8, 9)
    images = torch.randn(batch, 3, size, size)
    model = trained_looking(arch, size, images)
    check_same_maps(model, images)
    works = {
        "forward pass": lambda: forward(model, images),
        "masks and Grad-CAM, ours": lambda: ours(model, images),
        "Grad-CAM alone, pytorch-grad-cam": lambda: library(model, images),
    }
    times = alternate({name: seconds(work) for name, work in works.items()}, repeats)
    plain, mine, peer = times.values()
    rows = [[name, f"{1000 * value:.0f} ms", f"{value / plain:.2f}x"] for name, value in times.items()]
    claims = [
        Claim("masks and Grad-CAM together, of one forward pass", mine / plain, 1.15, at_most=True),
        Claim("masks and Grad-CAM faster than pytorch-grad-cam's Grad-CAM", peer / mine, 2.5),
    ]
    return Result(
        [f"{arch} + RGA-SC, batch {batch} at {size}x{size}", "time", "of a forward pass"], rows, claims
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
