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

    def add(self, steps: Sequence[Mapping[str, Tensor]], images: int) -> list[float]:
        """Add what some steps of so many images each tell; gives their losses. Waits for the device."""
        values = torch.stack([torch.stack(list(each.values())) for each in steps])  # (steps, keys)
        told = dict(zip(steps[0], values.cpu().double().T.tolist(), strict=True))  # key -> (steps,)
        count = {"loss": images}
        self.sums = {k: self.sums.get(k, 0.0) + sum(each) * count.get(k, 1) for k, each in told.items()}
        self.images, self.steps = self.images + images * len(steps), self.steps + len(steps)
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
