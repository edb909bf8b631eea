"""Equations 1-4 of the RGA paper, node by node: slow, with R and its concatenation written out.

Weights come from the ``state_dict`` of our modules; nothing else is shared with them. Nodes are (B, n, F).
"""

from __future__ import annotations

import torch
from torch import Tensor


class Reference:
    """One attention of the paper.

    Args:
        state: name -> float64 tensor; gradients flow into them.
        training: batch statistics rather than running ones; then ``running`` gets the updated statistics.
    """

    def __init__(self, state: dict[str, Tensor], *, training: bool) -> None:
        self.state, self.training = state, training
        self.running: dict[str, Tensor] = {}

    def __call__(self, name: str, x: Tensor) -> Tensor:
        """The modulated map (B, C, H, W)."""
        parts = name.split("-")  # rga, which, ablation
        which, ablation = parts[1], "".join(parts[2:])
        if which == "s":
            return x * self.spatial(x, "", ablation)
        if which == "c":
            return x * self.channel(x, "", ablation)
        if which == "sc":
            x = x * self.spatial(x, "first.")
            return x * self.channel(x, "second.")
        if which == "cs":
            x = x * self.channel(x, "first.")
            return x * self.spatial(x, "second.")
        return x * self.spatial(x, "spatial.") * self.channel(x, "channel.")

    def spatial(self, x: Tensor, prefix: str, ablation: str = "") -> Tensor:
        """a_s (B, 1, H, W)."""
        mask = torch.sigmoid(self.logits(spatial_nodes(x), f"{prefix}attend.", ablation))  # (B, N)
        return mask.reshape(len(x), 1, *x.shape[2:])

    def channel(self, x: Tensor, prefix: str, ablation: str = "") -> Tensor:
        """a_c (B, C, 1, 1)."""
        mask = torch.sigmoid(self.logits(channel_nodes(x), f"{prefix}attend.", ablation))  # (B, C)
        return mask[:, :, None, None]

    def relations(self, nodes: Tensor, prefix: str) -> Tensor:
        """R (B, n, n), Eq. 1 and 4."""
        theta, phi = self.embeddings(nodes, prefix, 3)[:2]
        count = nodes.shape[1]
        rows = []
        for i in range(count):
            rows.append(torch.stack([(theta[:, i] * phi[:, j]).sum(1) for j in range(count)], 1))
        return torch.stack(rows, 1)

    def logits(self, nodes: Tensor, prefix: str, ablation: str) -> Tensor:
        """W2 ReLU(W1 y_i) of every node: (B, n), Eq. 2 and 3."""
        count = nodes.shape[1]
        if ablation == "norel":
            (psi,) = self.embeddings(nodes, prefix, 1)
            y = [psi[:, i] for i in range(count)]
        else:
            embedded = self.embeddings(nodes, prefix, 2 if ablation == "novis" else 3)
            theta, phi = embedded[:2]
            relations = torch.stack([(theta[:, i, None] * phi).sum(2) for i in range(count)], 1)  # (B, n, n)
            r = [torch.cat((relations[:, i, :], relations[:, :, i]), 1) for i in range(count)]  # (B, 2n)
            varphi = self.dense(r, f"{prefix}relate").relu()  # (B, n, m)
            y = [varphi[:, i] for i in range(count)]
            if ablation != "novis":
                pooled = embedded[2].mean(2, keepdim=True)  # (B, n, 1)
                y = [torch.cat((pooled[:, i], y[i]), 1) for i in range(count)]
        hidden = self.dense(y, f"{prefix}shrink").relu()
        return self.dense(list(hidden.unbind(1)), f"{prefix}score")[:, :, 0]

    def embeddings(self, nodes: Tensor, prefix: str, count: int) -> list[Tensor]:
        """theta, phi, psi of the nodes, (B, n, d) each: their weights lie one below the other."""
        name = f"{prefix}embed"
        width = len(self.state[f"{name}.weight"]) // count
        ranges = [slice(k * width, (k + 1) * width) for k in range(count)]
        x = list(nodes.unbind(1))
        return [self.dense(x, name, rows).relu() for rows in ranges]

    def dense(self, nodes: list[Tensor], name: str, rows: slice = slice(None)) -> Tensor:
        """W x_i, then batch normalisation over images and nodes: (B, n, outputs)."""
        weight = self.state[f"{name}.weight"][rows]
        values = torch.stack([node @ weight.T for node in nodes], 1)
        gain, shift, mean, variance = (
            self.state[f"{name}_bn.{key}"][rows] for key in ("weight", "bias", "running_mean", "running_var")
        )
        if self.training:
            count = values.shape[0] * values.shape[1]
            old_mean, old_variance = mean, variance
            mean = values.mean((0, 1))
            variance = ((values - mean) ** 2).mean((0, 1))
            self.keep(f"{name}_bn.running_mean", 0.9 * old_mean + 0.1 * mean)
            self.keep(f"{name}_bn.running_var", 0.9 * old_variance + 0.1 * variance * count / (count - 1))
        return (values - mean) / torch.sqrt(variance + 1e-5) * gain + shift

    def keep(self, name: str, values: Tensor) -> None:
        """Statistics of theta, phi and psi arrive one after the other."""
        before = [self.running[name]] if name in self.running else []
        self.running[name] = torch.cat([*before, values.detach()])


def spatial_nodes(x: Tensor) -> Tensor:
    """The C-vectors of ``x`` (B, C, H, W) in raster order: (B, N, C)."""
    height, width = x.shape[2:]
    return torch.stack([x[:, :, i, j] for i in range(height) for j in range(width)], 1)


def channel_nodes(x: Tensor) -> Tensor:
    """The maps of ``x`` (B, C, H, W), row after row: (B, C, N)."""
    return torch.stack([torch.cat(list(x[:, c].unbind(1)), 1) for c in range(x.shape[1])], 1)
