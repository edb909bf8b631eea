"""The usual data path of scene segmentation with torchvision's v2 transforms, written as one writes it.

Each scene is resized as a whole to its random scale, padded, cropped at random and flipped; a DataLoader with workers
makes the batches, which are normalised in the transforms. What is not on disk is in the memory of every worker.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Scenes(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of arrays, or of files."""

    def __init__(self, pairs: Sequence[tuple[Any, Any]], size: int) -> None:
        self.pairs, self.size = pairs, size
        self.crop = v2.Compose(
            [
                v2.RandomCrop(size, pad_if_needed=True, fill={tv_tensors.Image: 0, tv_tensors.Mask: 255}),
                v2.RandomHorizontalFlip(0.5),
                v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        picture, labels = (
            v2.functional.pil_to_tensor(Image.open(each)) if isinstance(each, str) else each
            for each in self.pairs[index]
        )
        scale = 0.5 + random.randint(0, 16) / 10
        sides = [round(side * scale) for side in picture.shape[1:]]
        image = v2.functional.resize(tv_tensors.Image(picture), sides, antialias=False)
        mask = v2.functional.resize(tv_tensors.Mask(labels), sides)
        image, mask = self.crop(image, mask)
        return image, mask[0].long()


def loader(pairs: Sequence[tuple[Any, Any]], size: int, batch_size: int, workers: int) -> DataLoader[Any]:
    """Batches of one epoch."""
    return DataLoader(
        Scenes(pairs, size), batch_size=batch_size, shuffle=True, drop_last=True, num_workers=workers
    )
