"""Fresh networks that label pixels, and small scenes with labels as files."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from pictures import save_picture

import rgaviz

CLASSES = ["road", "sky", "car", "tree"]
COLOURS = [[128, 64, 128], [70, 130, 180], [0, 0, 142], [107, 142, 35]]
MEAN, STD = (0.4, 0.4, 0.4), (0.2, 0.2, 0.2)


def save_network(path, seed=0, attention="none", classes=CLASSES, training=None):
    """A checkpoint of a network whose running statistics have seen something."""
    torch.manual_seed(seed)
    model = rgaviz.create_model(
        "dilated-resnet18",
        attention,
        width=8,
        grid=4,
        s1=2,
        s2=2,
        num_classes=len(classes),
        image_size=(64, 64),
    ).train()
    with torch.no_grad():
        model(torch.randn(4, 3, 64, 64))
        if "car" in classes:  # predicted nowhere, and far from it
            model.classifier[1].weight[classes.index("car")] = 0
            model.classifier[1].bias[classes.index("car")] = -50.0
    told = {"dataset": "scenes", "colours": COLOURS} if training is None else training
    rgaviz.save_checkpoint(path, model, classes=classes, mean=MEAN, std=STD, training=told)
    return path


def save_scene(folder, name, size, seed, labels=True):
    """``images/<name>.png`` and, with values from 0 to 3 and 255, ``labels/<name>.png``: their paths."""
    picture = save_picture(folder / f"images/{name}.png", size, seed)
    path = folder / f"labels/{name}.png"
    path.parent.mkdir(exist_ok=True)
    if labels:
        values = np.random.default_rng(seed).integers(0, 4, size).astype(np.uint8)
        values[0] = 255
        assert cv2.imwrite(str(path), values)
    return picture, path
