"""The peer of ``rgaviz cam`` over a folder: the usual loop with pytorch-grad-cam, an overlay saved per picture.

python peer_folder_script.py CHECKPOINT FOLDER OUT; the network is an rgaviz checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from torchvision import transforms

import rgaviz
from rgaviz.checkpoint import Checkpoint


def heatmap(cam: GradCAM, loaded: Checkpoint, image: Image.Image) -> np.ndarray:
    """Grad-CAM (H, W) of the predicted class in [0, 1], at the network's resolution."""
    normalised = transforms.Compose(
        [
            transforms.Resize(loaded.image_size),
            transforms.ToTensor(),
            transforms.Normalize(loaded.mean, loaded.std),
        ]
    )
    return cam(input_tensor=normalised(image)[None], targets=None)[0]


def main(checkpoint: str, folder: str, out: str) -> None:
    """Save the Grad-CAM overlay of every picture at its own size."""
    loaded = rgaviz.load_checkpoint(checkpoint)
    Path(out).mkdir(parents=True, exist_ok=True)
    with GradCAM(model=loaded.model, target_layers=[loaded.model.attention.conv5]) as cam:
        for path in sorted(Path(folder).iterdir()):
            image = Image.open(path).convert("RGB")
            enlarged = np.asarray(Image.fromarray(heatmap(cam, loaded, image)).resize(image.size))
            pixels = np.asarray(image, dtype=np.float32) / 255
            shown = show_cam_on_image(pixels, np.clip(enlarged, 0, 1), use_rgb=True)
            Image.fromarray(shown).save(Path(out) / f"{path.stem}.png")


if __name__ == "__main__":
    main(*sys.argv[1:4])
