"""The attentions RGA is compared with, one number after the other: slow, from the equations of their papers.

Weights come from the ``state_dict`` of our modules; nothing else is shared with them.
"""

from __future__ import annotations

import torch
from reference_rga import Reference
from torch import Tensor


class Compared:
    """One attention of Table 2 or 3.

    Args:
        state: name -> float64 tensor; gradients flow into them.
        training: batch statistics rather than running ones; then ``running`` gets the updated statistics.
    """

    def __init__(self, state: dict[str, Tensor], *, training: bool) -> None:
        self.state, self.training = state, training
        self.running: dict[str, Tensor] = {}

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """The modulated map (B, C, H, W)."""
        if name == "cbam-cs":
            x = x * self.cbam_c(x, "0.")
            return x * self.cbam_s(x, "1.")
        if name == "nl":
            return self.nl(x)
        if name == "nl+rga-s":
            x = self.nl(x, "nonlocal_block.")
            rga = Reference(self.state, training=self.training)
            x = x * rga.spatial(x, "rga.")
            self.running |= rga.running
            return x
        return x * getattr(self, name.replace("-", "_"))(x)

    def se(self, x: Tensor) -> Tensor:
        """sigmoid(W2 ReLU(W1 mean + b1) + b2): (B, C, 1, 1)."""
        hidden = self.linear(mean_of_positions(x), "fc1").clamp(min=0)
        return torch.sigmoid(self.linear(hidden, "fc2"))[:, :, None, None]

    def cbam_c(self, x: Tensor, prefix: str = "") -> Tensor:
        """sigmoid(MLP(mean) + MLP(max)): (B, C, 1, 1)."""
        total = 0
        for pooled in (mean_of_positions(x), greatest(positions(x))):
            hidden = self.linear(pooled, f"{prefix}mlp.0").clamp(min=0)
            total = total + self.linear(hidden, f"{prefix}mlp.2")
        return torch.sigmoid(total)[:, :, None, None]

    def cbam_s(self, x: Tensor, prefix: str = "") -> Tensor:
        """sigmoid(BN(conv7x7([max; mean]))): (B, 1, H, W)."""
        height, width = x.shape[2:]
        pooled = (greatest(list(x.unbind(1))), sum(x.unbind(1)) / x.shape[1])  # (B, H, W) each
        kernel = self.state[f"{prefix}conv.weight"]  # (1, 2, 7, 7)
        values = []
        for i in range(height):
            for j in range(width):
                total = torch.zeros(len(x), dtype=x.dtype)
                for k in range(7):
                    for m in range(7):
                        row, column = i + k - 3, j + m - 3
                        if 0 <= row < height and 0 <= column < width:  # zeros outside
                            for plane, weight in zip(pooled, kernel[0, :, k, m], strict=True):
                                total = total + weight * plane[:, row, column]
                values.append(total)
        logits = self.batch_norm(torch.stack(values, 1)[:, None], f"{prefix}bn", momentum=0.01)  # (B, 1, N)
        return torch.sigmoid(logits).reshape(len(x), 1, height, width)

    def fc_s(self, x: Tensor) -> Tensor:
        """sigmoid(l_s): (B, 1, H, W)."""
        return torch.sigmoid(self.spatial_logits(x, self.fc_embedded(x)))

    def fc_c(self, x: Tensor) -> Tensor:
        """sigmoid(l_c): (B, C, 1, 1)."""
        return torch.sigmoid(self.channel_logits(self.fc_embedded(x)))

    def fc_parallel(self, x: Tensor) -> Tensor:
        """sigmoid(l_s l_c): (B, C, H, W)."""
        u = self.fc_embedded(x)
        return torch.sigmoid(self.spatial_logits(x, u) * self.channel_logits(u))

    def fc_embedded(self, x: Tensor) -> Tensor:
        """u (B, 256, N)."""
        weight = self.state["embed.0.weight"][:, :, 0, 0]
        values = torch.stack([each @ weight.T for each in positions(x)], 2)
        return self.batch_norm(values, "embed.1", epsilon=1e-3).clamp(min=0)

    def spatial_logits(self, x: Tensor, u: Tensor) -> Tensor:
        """l_s (B, 1, H, W)."""
        pooled = sum(u.unbind(1)) / u.shape[1]  # (B, N)
        hidden = (pooled @ self.state["spatial.0.weight"].T).clamp(min=0)
        return (hidden @ self.state["spatial.2.weight"].T).reshape(len(x), 1, *x.shape[2:])

    def channel_logits(self, u: Tensor) -> Tensor:
        """l_c (B, C, 1, 1)."""
        pooled = sum(u.unbind(2)) / u.shape[2]  # (B, 256)
        return (pooled @ self.state["channel.weight"].T)[:, :, None, None]

    def nl(self, x: Tensor, prefix: str = "") -> Tensor:
        """x + BN(W y) (B, C, H, W)."""
        weights, g = self.nl_weights(x, prefix)
        mixed = []
        for i in range(len(g)):
            mixed.append(sum(weights[:, i, j, None] * g[j] for j in range(len(g))))  # (B, d)
        values = torch.stack([self.linear(each, f"{prefix}output") for each in mixed], 2)  # (B, C, N)
        return x + self.batch_norm(values, f"{prefix}output_bn").reshape(x.shape)

    def nl_weights(self, x: Tensor, prefix: str = "") -> tuple[Tensor, list[Tensor]]:
        """P (B, N, N) and g at every position."""
        weight, bias = (self.state[f"{prefix}embed.{key}"] for key in ("weight", "bias"))
        width = len(weight) // 3
        theta, phi, g = (
            [each @ weight[rows, :, 0, 0].T + bias[rows] for each in positions(x)]  # (B, d) each
            for rows in (slice(k * width, (k + 1) * width) for k in range(3))
        )
        table = []
        for query in theta:
            scores = [(query * key).sum(1) / width**0.5 for key in phi]
            powers = [score.exp() for score in scores]
            table.append(torch.stack([power / sum(powers) for power in powers], 1))
        return torch.stack(table, 1), g

    def linear(self, values: Tensor, name: str) -> Tensor:
        """W v + b of (B, inputs): (B, outputs); the weight may be a 1x1 convolution's."""
        weight = self.state[f"{name}.weight"]
        return values @ weight.reshape(len(weight), -1).T + self.state[f"{name}.bias"]

    def batch_norm(self, values: Tensor, name: str, epsilon: float = 1e-5, momentum: float = 0.1) -> Tensor:
        """Every channel of (B, K, N) normalised over images and positions."""
        gain, shift, means, variances = (
            self.state[f"{name}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")
        )
        new_means, new_variances, rows = [], [], []
        for k in range(values.shape[1]):
            row, mean, variance = values[:, k], means[k], variances[k]
            if self.training:
                count = row.numel()
                mean = row.sum() / count
                variance = ((row - mean) ** 2).sum() / count
                new_means.append((1 - momentum) * means[k] + momentum * mean.detach())
                unbiased = variance.detach() * count / (count - 1)
                new_variances.append((1 - momentum) * variances[k] + momentum * unbiased)
            rows.append((row - mean) / (variance + epsilon) ** 0.5 * gain[k] + shift[k])
        if self.training:
            self.running[f"{name}.running_mean"] = torch.stack(new_means)
            self.running[f"{name}.running_var"] = torch.stack(new_variances)
        return torch.stack(rows, 1)


def positions(x: Tensor) -> list[Tensor]:
    """The C-vectors (B, C) of ``x`` (B, C, H, W), row after row."""
    return [x[:, :, i, j] for i in range(x.shape[2]) for j in range(x.shape[3])]


def mean_of_positions(x: Tensor) -> Tensor:
    """(B, C)."""
    return sum(positions(x)) / (x.shape[2] * x.shape[3])


def greatest(tensors: list[Tensor]) -> Tensor:
    """The greatest of the tensors, number by number."""
    best = tensors[0]
    for each in tensors[1:]:
        best = torch.where(each > best, each, best)
    return best
