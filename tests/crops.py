"""Small re-identification networks, and pictures of people to rank."""

from __future__ import annotations

from pathlib import Path

import torch
from pictures import save_picture

from rgaviz.checkpoint import save_checkpoint
from rgaviz.models import create_model

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SIZE = (32, 16)
GALLERY = [  # identity, camera
    *((1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 3), (0, 1), (-1, 2)),
]


def save_network(path: Path, seed: int, attention: str = "none", **training) -> Path:
    """A network of fresh weights, with running statistics that have seen something."""
    torch.manual_seed(seed)
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": SIZE, "head": "bnneck"}
    if attention != "none":
        options["attention_layers"] = ["conv4", "conv5"]
    model = create_model("resnet18-w16", attention, num_classes=3, **options).train()
    model.task = "reid"
    with torch.no_grad():
        model(torch.randn(16, 3, *SIZE))
    save_checkpoint(path, model, classes=["1", "2", "3"], mean=MEAN, std=STD, training=training)
    return path


def save_crops(folder: Path, people=GALLERY, first: int = 0) -> list[Path]:
    """A crop of each person by a camera, named as Market-1501's."""
    return [
        save_picture(folder / f"{who:04d}_c{camera}s1_{number:06d}_00.png", (48, 24), seed=number)
        for number, (who, camera) in enumerate(people, start=first)
    ]
