"""Sums over the epoch under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Totals:
    """Sums over the epoch under way, of this process.

    Attributes:
        sums: over the images, of what the task tells of its loss.
        images: seen.
        steps: made.
        seconds: of training.
    """

    sums: dict[str, float] = field(default_factory=dict)
    images: int = 0
    steps: int = 0
    seconds: float = 0.0

    def add(self, steps: Sequence[Mapping[str, Tensor]], images: Sequence[int]) -> list[float]:
        """Add what some steps tell, each of so many images; gives their losses. Waits for the device."""
        values = torch.stack([torch.stack(list(each.values())) for each in steps])  # (steps, keys)
        told = dict(zip(steps[0], values.cpu().double().T.tolist(), strict=True))  # key -> (steps,)
        weights = {"loss": images}  # a mean over the images; the others are sums
        for key, values_of in told.items():
            each = zip(values_of, weights.get(key, [1] * len(steps)), strict=True)
            self.sums[key] = self.sums.get(key, 0.0) + sum(value * weight for value, weight in each)
        self.images, self.steps = self.images + sum(images), self.steps + len(steps)
        return told["loss"]

    def means(self) -> dict[str, float]:
        """Over the images so far."""
        return {key: value / self.images for key, value in self.sums.items()}

    def checked(self) -> Totals:
        """Itself.

        Raises:
            ValueError: values that no epoch could have.
        """
        if not isinstance(self.sums, dict):
            raise ValueError("sums are a dictionary")
        numbers = [*self.sums.values(), self.seconds]
        counts = (self.images, self.steps)
        if not all(isinstance(key, str) for key in self.sums) or not all(
            type(each) is float for each in numbers
        ):
            raise ValueError("sums and seconds are numbers")
        if not all(type(each) is int and each >= 0 for each in counts):
            raise ValueError("images and steps are counts")
        return self
