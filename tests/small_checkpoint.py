"""A small checkpoint, edited ones, and how they are refused."""

from __future__ import annotations

import pytest
import torch

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.errors import LONGEST, CheckpointError
from rgaviz.models import create_model

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]
CLASSES = ["cat", "dog", "horse"]


def network(seed=0, **options):
    """Small, with running statistics that have seen something."""
    torch.manual_seed(seed)
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": (12, 14), **options}
    model = create_model("resnet18-w16", "rga-sc", num_classes=3, attention_layers=["conv5"], **options)
    model.train()
    with torch.no_grad():
        model(torch.randn(8, 3, *options["image_size"]))
    return model.eval()


def save(path, model, **options):
    save_checkpoint(path, model, classes=CLASSES, mean=MEAN, std=STD, **options)
    return path


def fault(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name[-20:] in message
    assert len(message) <= LONGEST
    return message


def edit(path, change):
    """Rewrite the document after ``change``, which returns a new one or edits it in place."""
    document = torch.load(path, weights_only=True)
    document = change(document) or document
    torch.save(document, path)
    return path
