"""A network with one attention module, and what its mask is compared with."""

from __future__ import annotations

import torch
from torch import nn

CHANNELS = 12
IMAGES = torch.randn(3, 3, 8, 10, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A network with one attention module, whose input has no zeros."""

    def __init__(self, attention):
        super().__init__()
        self.stem, self.attention = nn.Conv2d(3, CHANNELS, 3, padding=1), attention
        self.fc = nn.Linear(CHANNELS, 4)

    def features(self, x):
        return self.stem(x).exp()

    def forward(self, x):
        return self.fc(self.attention(self.features(x)).mean((2, 3)))


def perturbed(model):
    """In eval mode, every parameter moved: fresh ones can be zero or equal, and hide a mistake."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def seen(model, images, key_modules):
    """Input and output of each module in a forward pass, by the hooks of this test."""
    found = {}
    for key, module in key_modules.items():
        module.register_forward_hook(lambda m, i, o, key=key: found.update({key: (i[0].clone(), o.clone())}))
    with torch.no_grad():
        model(images)
    for module in key_modules.values():
        module._forward_hooks.clear()
    return found


def expanded(mask, kind):
    """A mask as an array that multiplies (B, C, H, W)."""
    mask = torch.from_numpy(mask)
    return {
        "spatial": lambda: mask[:, None],
        "channel": lambda: mask[:, :, None, None],
        "joint": lambda: mask,
    }[kind]()
