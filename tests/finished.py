"""Finished trainings as files, without training."""

from __future__ import annotations

import torch

from rgaviz.checkpoint import save_checkpoint
from rgaviz.models import create_model
from rgaviz.training.config import ModelConfig, Recipe, TrainConfig


def write(
    path,
    arch="resnet20",
    attention="none",
    seed=0,
    error=10.0,
    dataset="cifar10",
    lr=0.1,
    size=(16, 16),
    options=None,
    figures=None,
    **training,
):
    """A checkpoint as a finished training leaves it.

    ``options`` are those of the network in its recipe; with ``figures``, by measure, it is for re-identification, and
    a dilated one is for segmentation.
    """
    torch.manual_seed(seed)
    classes, epochs = 100 if dataset == "cifar100" else 10, 3
    given = options or {}
    recipe = Recipe(
        model=ModelConfig(arch=arch, attention=(attention,), **given), train=TrainConfig(lr=lr, epochs=epochs)
    )
    training = {"source": "JPEG", "precision": "fp32", "recipe": recipe.to_dict(), **training}
    model = create_model(
        arch, attention, num_classes=classes, image_size=size, **{"width": 4, "s1": 2, "s2": 2, **given}
    )
    if figures is not None:
        model.task = "reid"
    usual = {"mIoU" if model.task == "segmentation" else "error": error}
    told = {f"test_{key}": value for key, value in (figures or usual).items()}
    row = {"epoch": epochs, **told}
    save_checkpoint(
        path,
        model,
        classes=[str(number) for number in range(classes)],
        mean=(0, 0, 0),
        std=(1, 1, 1),
        metrics=told,
        training={"dataset": dataset, **training},
        seed=seed,
        history=[{**row, "epoch": number + 1, **dict.fromkeys(told, 99.0)} for number in range(epochs - 1)]
        + [row],
    )
