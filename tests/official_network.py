"""The RGA authors' re-identification network under the names of its checkpoints, in the direct form.

Written from the equations of the paper and the names in the files: torchvision's ResNet-50, every relation matrix and
every r_i written out, 1x1 convolutions. It shares nothing with our modules.
"""

from __future__ import annotations

import torch
import torchvision
from torch import Tensor, nn

STAGES = [(256, 2048), (512, 512), (1024, 128), (2048, 128)]  # channels, positions at 256x128 pixels
KINDS = {"rgas": ["spatial"], "rgac": ["channel"], "rgasc": ["spatial", "channel"]}


def unit(inputs: int, outputs: int) -> list[nn.Module]:
    """A 1x1 convolution and its normalisation."""
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]


class Attention(nn.Module):
    """One of ``rga_att1`` .. ``rga_att4``; the masks of the last call are kept in ``masks``."""

    def __init__(self, branch: str, channels: int, positions: int, ratio: int = 8) -> None:
        super().__init__()
        self.kinds, self.masks = KINDS[branch], {}
        for kind in self.kinds:
            features, nodes = (channels, positions) if kind == "spatial" else (positions, channels)
            hidden = (1 + nodes // ratio) // ratio
            for name in ("theta", "phi", "gx"):
                self.add_module(
                    f"{name}_{kind}", nn.Sequential(*unit(features, features // ratio), nn.ReLU())
                )
            self.add_module(f"gg_{kind}", nn.Sequential(*unit(2 * nodes, nodes // ratio), nn.ReLU()))
            layers = [*unit(1 + nodes // ratio, hidden), nn.ReLU(), *unit(hidden, 1)]
            self.add_module(f"W_{kind}", nn.Sequential(*layers))

    def logits(self, nodes: Tensor, kind: str) -> Tensor:
        """(B, n) for ``nodes`` (B, features, n, 1), Eq. 1-4."""

        def layer(name: str, values: Tensor) -> Tensor:
            return self.get_submodule(f"{name}_{kind}")(values)

        theta, phi = layer("theta", nodes)[..., 0], layer("phi", nodes)[..., 0]  # (B, d, n) each
        count = nodes.shape[2]
        r = theta.new_empty(len(nodes), 2 * count, count, 1)  # r[:, :, i] = [R(i, :), R(:, i)]
        for b in range(len(nodes)):
            relation = torch.mm(theta[b].t(), phi[b])  # R(i, j) = theta(x_i) . phi(x_j)
            r[b, :count, :, 0] = relation.t()  # column i holds row i of R
            r[b, count:, :, 0] = relation
        own = layer("gx", nodes).mean(1, keepdim=True)
        return layer("W", torch.cat((own, layer("gg", r)), 1))[:, 0, :, 0]

    def forward(self, x: Tensor) -> Tensor:
        for kind in self.kinds:
            if kind == "spatial":
                nodes, shape = x.flatten(2), (len(x), 1, *x.shape[2:])  # (B, C, N)
            else:
                nodes, shape = x.flatten(2).transpose(1, 2), (*x.shape[:2], 1, 1)  # (B, N, C)
            self.masks[kind] = torch.sigmoid(self.logits(nodes[..., None], kind)).reshape(shape)
            x = x * self.masks[kind]
        return x


class OfficialNetwork(nn.Module):
    """(B, 3, 256, 128) -> the feature before the neck, the one behind it, and the logits."""

    def __init__(self, branch: str, ids: int) -> None:
        super().__init__()
        self.backbone = torchvision.models.resnet50(weights=None)
        del self.backbone.fc
        first = self.backbone.layer4[0]
        first.conv2.stride = first.downsample[0].stride = (1, 1)
        for index, sizes in enumerate(STAGES, start=1):
            self.backbone.add_module(f"rga_att{index}", Attention(branch, *sizes))
        self.feat_bn = nn.BatchNorm1d(2048)
        self.cls = nn.Linear(2048, ids, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        net = self.backbone
        x = net.maxpool(net.bn1(net.conv1(images)).relu())
        for index in range(1, 5):
            x = net.get_submodule(f"rga_att{index}")(net.get_submodule(f"layer{index}")(x))
        before = x.mean((2, 3))
        behind = self.feat_bn(before)
        return before, behind, self.cls(behind)

    def masks(self) -> dict[str, Tensor]:
        """Those of the last call, keyed as ours."""
        return {
            f"conv{index + 1}/{kind}": mask
            for index in range(1, 5)
            for kind, mask in self.backbone.get_submodule(f"rga_att{index}").masks.items()
        }


def images() -> Tensor:
    """Two pictures (2, 3, 256, 128)."""
    return torch.randn(2, 3, 256, 128, generator=torch.Generator().manual_seed(1))


def random_network(branch: str, ids: int) -> OfficialNetwork:
    """No weight or statistic has a default value, and for :func:`images` no mask is saturated."""
    torch.manual_seed(0)
    network = OfficialNetwork(branch, ids)
    norms = [module for module in network.backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.7, 1.3)
        nn.init.normal_(norm.bias, std=0.2)
        norm.momentum = 1.0
    for name, module in network.backbone.named_modules():
        if name.endswith(
            "bn3"
        ):  # blocks add little to their shortcut, so rounding is not amplified block by block
            nn.init.uniform_(module.weight, 0.2, 0.4)
    with torch.no_grad():
        before, _, _ = network.train()(images())
        for norm in norms:
            norm.running_var.mul_(torch.empty_like(norm.running_var).uniform_(0.9, 1.1))
            norm.momentum = 0.1
        nn.init.uniform_(network.feat_bn.weight, 0.7, 1.3)
        network.feat_bn.running_mean.copy_(before.mean())
        network.feat_bn.running_var.uniform_(0.5, 2)
    return network.eval()
