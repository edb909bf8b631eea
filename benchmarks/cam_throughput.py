"""Class activation maps per second: ours, pytorch-grad-cam and torch-cam, one method and six.

Shapes: images (B, 3, 224, 224) with B = 1, 8 and 32; ResNet-50 as torchvision has it (last stride 2), maps of the
predicted class at the last stage, (B, 2048, 7, 7). Each library is used as its README shows. Six methods share
one pass in ours; pytorch-grad-cam has all six and torch-cam three of them, and both make a pass for each. (The
Grad-CAM++ of torch-cam 0.5 divides a copy, so that its weights stay undivided: other maps, left out.) That all
three give the same maps is checked before the timing.

By multiply-accumulates a pass costs ours and torch-cam one forward pass F, since back-propagation ends at the
layer, and pytorch-grad-cam 3 F, since it goes on to the image and to all weights. So 3x and 1x are the limits for
one method, 18x and 3x for six in one pass. The targets: 2.5x and 1x for one method, and for six methods that
times the peer's passes, less a fifth for the six maps themselves.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
import pytorch_grad_cam
import torch
from explain_pass import trained_looking
from measure import Claim, Result, alternate, run, seconds
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor, nn
from torchcam import methods as torch_cam

from rgaviz.explain.cam import explain
from rgaviz.explain.targets import top_classes

PYTORCH_GRAD_CAM = {
    "gradcam": pytorch_grad_cam.GradCAM,
    "gradcam++": pytorch_grad_cam.GradCAMPlusPlus,
    "layercam": pytorch_grad_cam.LayerCAM,
    "xgradcam": pytorch_grad_cam.XGradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "gradcamelementwise": pytorch_grad_cam.GradCAMElementWise,
}
TORCH_CAM = {
    "gradcam": torch_cam.GradCAM,
    "layercam": torch_cam.LayerCAM,
    "xgradcam": torch_cam.XGradCAM,
}
ONE, TARGETS, LEFT = ["gradcam"], {"pytorch-grad-cam": 2.5, "torch-cam": 1.0}, 0.8
REPEATS = {1: 9, 8: 5, 32: 3}  # by batch size
Maps = dict[str, np.ndarray]  # method -> (B, H, W)


def ours(model: nn.Module, images: Tensor, methods: Sequence[str]) -> Maps:
    """Raw maps at the layer's resolution, all from one pass."""
    found = explain(model, images, cam_layer="conv5", methods=methods, target=top_classes(1)).cams
    return {method: maps[:, 0] for method, maps in found.items()}


def by_pytorch_grad_cam(model: nn.Module, images: Tensor, methods: Sequence[str]) -> Maps:
    """Maps scaled to [0, 1] and to the image, a pass for each method."""
    found = {}
    for method in methods:
        with PYTORCH_GRAD_CAM[method](model=model, target_layers=[model.layer4[-1]]) as cam:
            found[method] = cam(input_tensor=images, targets=None)
    return found


def by_torch_cam(model: nn.Module, images: Tensor, methods: Sequence[str]) -> Maps:
    """Maps scaled to [0, 1] at the layer's resolution, a pass for each method."""
    found = {}
    for method in methods:
        with TORCH_CAM[method](model, "layer4") as extractor:
            scores = model(images)
            found[method] = extractor(scores.argmax(1).tolist(), scores)[0].numpy()
    return found


def check_same_maps(model: nn.Module, images: Tensor) -> None:
    """Raise unless each library gives our maps, scaled as it scales them."""
    mine = ours(model, images, list(PYTORCH_GRAD_CAM))
    for method, maps in by_pytorch_grad_cam(model, images, list(PYTORCH_GRAD_CAM)).items():
        scaled = scale_cam_image(scale_cam_image(mine[method], (images.shape[3], images.shape[2])))
        np.testing.assert_allclose(scaled, maps, atol=1e-4, err_msg=f"pytorch-grad-cam {method}")
    for method, maps in by_torch_cam(model, images, list(TORCH_CAM)).items():
        np.testing.assert_allclose(
            scale_cam_image(mine[method]), maps, atol=1e-4, err_msg=f"torch-cam {method}"
        )
    if not all(maps.any() for maps in mine.values()):
        raise AssertionError("A map is empty; comparing it means nothing.")


def contestants(model: nn.Module, images: Tensor) -> dict[str, Callable[[], object]]:
    """What is timed on one batch."""
    every = list(PYTORCH_GRAD_CAM)
    return {
        "Grad-CAM, ours": lambda: ours(model, images, ONE),
        "Grad-CAM, torch-cam": lambda: by_torch_cam(model, images, ONE),
        "Grad-CAM, pytorch-grad-cam": lambda: by_pytorch_grad_cam(model, images, ONE),
        "6 methods, ours": lambda: ours(model, images, every),
        "3 methods, torch-cam": lambda: by_torch_cam(model, images, list(TORCH_CAM)),
        "6 methods, pytorch-grad-cam": lambda: by_pytorch_grad_cam(model, images, every),
    }


def claims(times: dict[int, dict[str, float]]) -> list[Claim]:
    """Ours against each peer, one method and all; ``times`` in seconds by batch size and contestant."""

    def ratio(peer: str, mine: str) -> float:
        return statistics.geometric_mean(each[peer] / each[mine] for each in times.values())

    found = []
    for name, methods in (("torch-cam", TORCH_CAM), ("pytorch-grad-cam", PYTORCH_GRAD_CAM)):
        one = ratio(f"Grad-CAM, {name}", "Grad-CAM, ours")
        several = ratio(f"{len(methods)} methods, {name}", "6 methods, ours")
        text = f"six CAM methods in one pass, faster than {len(methods)} of them by {name}, geometric mean"
        found.append(Claim(f"Grad-CAM faster than {name}'s, geometric mean", one, TARGETS[name]))
        found.append(Claim(text, several, LEFT * len(methods) * TARGETS[name]))
    return found


def measure(quick: bool) -> Result:
    """Time all of them at every batch size."""
    arch, size, repeats = ("resnet18", 64, {1: 1, 2: 1}) if quick else ("resnet50", 224, REPEATS)
    model = trained_looking(arch, size, torch.randn(8, 3, size, size), "none", last_stride=2)
    check_same_maps(model, torch.randn(2, 3, size, size))
    times = {}
    for batch, rounds in repeats.items():
        works = contestants(model, torch.randn(batch, 3, size, size))
        times[batch] = alternate({name: seconds(work) for name, work in works.items()}, rounds)
    rows = [
        [name, *(f"{batch / times[batch][name]:.2f}" for batch in times)]
        for name in next(iter(times.values()))
    ]
    return Result(
        [f"{arch} at {size}x{size}, images/s", *(f"batch {batch}" for batch in times)], rows, claims(times)
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
