"""The peer of ``rgaviz compare``: Grad-CAM of two ResNet-18s side by side, as one writes it with pytorch-grad-cam.

python peer_compare_script.py A.pt B.pt PICTURE OUT.pdf; the checkpoints are state_dicts of torchvision's resnet18.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from torchvision import transforms
from torchvision.models import resnet18

NORMALISED = transforms.Compose(
    [transforms.ToTensor(), transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])]
)


def explain(checkpoint: str | Path, image: Image.Image) -> tuple[np.ndarray, int, float]:
    """Grad-CAM (224, 224) in [0, 1] at the last stage, the predicted class, and its probability."""
    model = resnet18()
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    model.eval()
    with GradCAM(model=model, target_layers=[model.layer4[-1]]) as cam:
        (heatmap,) = cam(input_tensor=NORMALISED(image)[None], targets=None)  # (224, 224)
        confidence, index = cam.outputs[0].softmax(0).max(0)
    return heatmap, index.item(), confidence.item()


def main(checkpoints: list[str], picture: str, out: str) -> None:
    """Draw the picture and each network's overlay with its prediction."""
    image = Image.open(picture).convert("RGB").resize((224, 224))
    pixels = np.asarray(image, dtype=np.float32) / 255
    figure, axes = plt.subplots(1, 1 + len(checkpoints), figsize=(6.875, 2.6))
    axes[0].imshow(image)
    axes[0].set_title("input")
    for ax, checkpoint in zip(axes[1:], checkpoints, strict=True):
        heatmap, index, confidence = explain(checkpoint, image)
        ax.imshow(show_cam_on_image(pixels, heatmap, use_rgb=True))
        ax.set_title(f"{Path(checkpoint).stem} Grad-CAM\n{index} {confidence:.0%}")
    for ax in axes:
        ax.axis("off")
    figure.tight_layout()
    figure.savefig(out, dpi=300)


if __name__ == "__main__":
    main(sys.argv[1:3], *sys.argv[3:5])
