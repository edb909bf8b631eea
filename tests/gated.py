"""A network with one attention module, those of timm, and what its mask is compared with."""

from __future__ import annotations

import pytest
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


class Last(nn.Module):
    """Gives a module maps with the channels last."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


TIMM = [
    ("layers.squeeze_excite.SEModule", {}, "channel"),
    ("layers.squeeze_excite.SEModule", {"add_maxpool": True, "gate_layer": "hard_sigmoid"}, "channel"),
    ("layers.squeeze_excite.EffectiveSEModule", {}, "channel"),
    ("layers.squeeze_excite.SqueezeExciteCl", {}, "channel"),
    ("models._efficientnet_blocks.SqueezeExcite", {}, "channel"),
    ("models.senet.SEModule", {"reduction": 4}, "channel"),
    ("models.hgnet.EseModule", {}, "channel"),
    ("layers.eca.EcaModule", {}, "channel"),
    ("layers.eca.EcaModule", {"use_mlp": True}, "channel"),
    ("layers.eca.CecaModule", {}, "channel"),
    ("layers.cbam.ChannelAttn", {}, "channel"),
    ("layers.cbam.LightChannelAttn", {}, "channel"),
    ("layers.cbam.SpatialAttn", None, "spatial"),
    ("layers.cbam.LightSpatialAttn", None, "spatial"),
    ("layers.gather_excite.GatherExcite", {"use_mlp": False}, "channel"),
    ("layers.gather_excite.GatherExcite", {"use_mlp": False, "extent": 2}, "joint"),
    ("layers.global_context.GlobalContext", {}, "channel"),
    ("layers.global_context.GlobalContext", {"use_attn": False}, "channel"),
    ("layers.coord_attn.CoordAttn", {}, "joint"),
    ("layers.coord_attn.SimpleCoordAttn", {}, "joint"),
    ("layers.coord_attn.EfficientLocalAttn", {}, "joint"),
    ("layers.coord_attn.StripAttn", {}, "joint"),
]


def timm_module(path, options):
    pytest.importorskip("timm")
    file, _, name = path.rpartition(".")
    kind = getattr(__import__(f"timm.{file}", fromlist=[name]), name)
    torch.manual_seed(0)
    return kind() if options is None else kind(CHANNELS, **options)
