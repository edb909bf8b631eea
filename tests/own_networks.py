"""A file of networks as a user writes them, none of which knows rgaviz."""

from pathlib import Path

NETS = '''
from dataclasses import dataclass

import torch
from torch import nn


class Attention(nn.Module):
    """Home-made: channel, then spatial."""

    def __init__(self, c):
        super().__init__()
        self.mlp = nn.Linear(c, c)
        self.ca = nn.Sigmoid()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)
        self.sa = nn.Sigmoid()

    def forward(self, x):
        x = x * self.ca(self.mlp(x.mean((2, 3))))[:, :, None, None]
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * self.sa(self.conv(pooled))


class Gated(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.att = Attention(8)
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.fc(self.att(self.body(x)).mean((2, 3)))


class Grey(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU())
        self.fc = nn.Linear(8, 10)
        self.config, self.task = "mine", "digits"

    def forward(self, x):
        assert (self.config, self.task) == ("mine", "digits")
        return self.fc(self.features(x).mean((2, 3)))


@dataclass
class Answer:
    maps: torch.Tensor
    logits: torch.Tensor


class Several(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x):
        maps = self.features(x)
        return Answer(maps, self.fc(maps.mean((2, 3))))


def bands():
    return nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


def fails(num_classes):
    raise ValueError("no luck")


def nothing():
    return 3
'''


def write_nets(folder: Path) -> Path:
    """``nets.py`` in a folder."""
    (folder / "nets.py").write_text(NETS)
    return folder / "nets.py"
