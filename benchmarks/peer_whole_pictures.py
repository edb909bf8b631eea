"""The usual evaluation of scene segmentation with torchvision's transforms, written as one writes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision import transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@torch.no_grad()
def confusion(model: nn.Module, pairs: Sequence[tuple[str, str]], classes: int) -> np.ndarray:
    """Pixels of each class that were taken for each, (K, K), over pairs of a picture and its labels as files."""
    model.eval()
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    total = np.zeros((classes, classes), np.int64)
    for picture, labels in pairs:
        image = transform(Image.open(picture).convert("RGB"))
        predicted = model(image[None]).argmax(1)[0].numpy()
        truth = np.array(Image.open(labels)).astype(np.int64)
        valid = truth != 255
        counts = np.bincount(classes * truth[valid] + predicted[valid], minlength=classes**2)
        total += counts.reshape(classes, classes)
    return total
