"""The one place where an attention mask leaves a network."""

from __future__ import annotations

from typing import Literal

from torch import nn

Kind = Literal["spatial", "channel", "joint"]


class Gate(nn.Sigmoid):
    """A sigmoid without parameters, so that a forward hook on it sees the mask.

    Attention modules end in a gate and multiply by its output; nothing is stored on the module.
    Masks lie in [0, 1] and have shape (B, 1, H, W) for ``spatial``, (B, C, 1, 1) for ``channel`` and
    (B, C, H, W) for ``joint``.

    Args:
        kind: what the mask ranges over.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind: Kind = kind

    def extra_repr(self) -> str:
        return self.kind
