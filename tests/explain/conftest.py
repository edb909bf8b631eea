"""Networks that several tests explain, and pytorch-grad-cam without its rescaling."""

from __future__ import annotations

import pytest
import tiny
import torch
from torch import nn

from rgaviz.attention import Gate
from rgaviz.models import create_model


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = ["conv3", "conv5"]
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": (12, 16), "attention_layers": layers}
    with tiny.shallow():
        return create_model("resnet18-w16", "rga-sc", **options)


@pytest.fixture
def foreign():
    """A network of someone else's: no stages, two gates of one kind in one block, and one by itself."""
    block = nn.ModuleDict({"a": Gate("channel"), "b": Gate("channel")})
    return nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3), "block": block, "gate": Gate("spatial")})


@pytest.fixture
def raw(monkeypatch):
    """Takes the rescaling out of the library, and nothing else."""
    from pytorch_grad_cam import base_cam, fullgrad_cam

    for module in (base_cam, fullgrad_cam):
        monkeypatch.setattr(module, "scale_cam_image", lambda maps, size=None: maps)
