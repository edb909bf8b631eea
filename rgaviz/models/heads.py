"""What stands behind the last map: a neck, pooled feature -> embedding, and the layer that gives the logits."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from rgaviz.errors import lookup


def linear(channels: int, num_classes: int) -> tuple[nn.Module, nn.Linear]:
    """The usual classifier: the pooled feature itself is the embedding."""
    return nn.Identity(), nn.Linear(channels, num_classes)


def bnneck(channels: int, num_classes: int) -> tuple[nn.Module, nn.Linear]:
    """The re-identification head: batch normalisation without a learned shift, then logits without a bias.

    The triplet loss takes the feature before the neck, the identity loss the logits behind it (Luo et al., *Bag of
    Tricks and A Strong Baseline for Deep Person Re-identification*, CVPRW 2019; initialisation as there and in the
    authors' code of RGA).
    """
    neck = nn.BatchNorm1d(channels)
    neck.bias.requires_grad_(False)  # the shift stays 0
    logits = nn.Linear(channels, num_classes, bias=False)
    nn.init.normal_(logits.weight, std=0.001)
    return neck, logits


HEADS: dict[str, Callable[[int, int], tuple[nn.Module, nn.Linear]]] = {"linear": linear, "bnneck": bnneck}


def build_head(name: str, channels: int, num_classes: int) -> tuple[nn.Module, nn.Linear]:
    """The neck (B, channels) -> (B, channels) and the layer (B, channels) -> (B, num_classes) behind it.

    Args:
        name: a key of ``HEADS``.
        channels: length of the pooled feature.
        num_classes: outputs.

    Raises:
        UnknownNameError: no such head.
    """
    return lookup(HEADS, name, "head")(channels, num_classes)
