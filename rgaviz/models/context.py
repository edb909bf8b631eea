"""Attention over a map of any size: it sees the map on a fixed grid, and what it gives is put beside the map itself.

Source: section 4.2 of the RGA paper: "apply RGA-SC on the feature map of the last convolutional layer and concatenate
it with the original features", with RoIAlign for pictures of several sizes. It leaves open what is enlarged again, so
both readings are here: ``maps``, the attended map; ``masks``, the attention masks alone, which then modulate the map at
its full resolution. ``maps`` is the default: it is what the words say, and any attention can stand there, also one
without a mask, such as the non-local block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate
from rgaviz.attention.nonlocal_ import NonLocal
from rgaviz.errors import RgavizError, lookup
from rgaviz.models.enlarged import enlarged


def roi_align(x: Tensor, grid: int) -> Tensor:
    """A whole map on a grid: (B, C, H, W) -> (B, C, grid, grid).

    The same function as torchvision's ``roi_align`` with the whole map as its box and ``aligned=True``. As two matrix
    products it can be differentiated twice, runs on every device, and always sums in the same order.
    """
    rows, columns = (_samples(side, grid).to(x) for side in x.shape[2:])  # (grid, H), (grid, W)
    return torch.einsum("yh,bchw,xw->bcyx", rows, x, columns)


def _samples(side: int, grid: int) -> Tensor:
    """Weights (grid, side) of the positions of a map in each cell: bilinear samples, as many as cells are wide."""
    each = -(-side // grid)
    places = (torch.arange(grid * each).double() + 0.5) * side / (
        grid * each
    ) - 0.5  # (grid each,), 0 is a centre
    low = places.clamp(0, side - 1).floor().long()
    part = places.clamp(0, side - 1) - low
    weights = torch.zeros(grid * each, side, dtype=torch.float64)
    number = torch.arange(grid * each)
    weights[number, low] += 1 - part
    weights[number, (low + 1).clamp(max=side - 1)] += part
    return weights.view(grid, each, side).mean(1)  # (grid each, side) -> (grid, side)


class Context(nn.Module):
    """A map and, beside it, what an attention makes of it: (B, C, H, W) -> (B, 2 C, H, W).

    Args:
        attention: for maps (B, C, grid, grid).
        grid: side of the grid.
    """

    def __init__(self, attention: nn.Module, grid: int) -> None:
        super().__init__()
        self.attention, self.grid = attention, grid

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.attended(x)], dim=1)

    def attended(self, x: Tensor) -> Tensor:
        """The other half: (B, C, H, W) -> (B, C, H, W)."""
        raise NotImplementedError


class AttendedMaps(Context):
    """The attended grid is enlarged to the size of the map."""

    def attended(self, x: Tensor) -> Tensor:
        return enlarged(self.attention(roi_align(x, self.grid)), x.shape[2:])


class AttendedMasks(Context):
    """The masks of the grid are enlarged, and modulate the map.

    Raises:
        RgavizError: the attention does more than to multiply by its masks.
    """

    def __init__(self, attention: nn.Module, grid: int) -> None:
        super().__init__(attention, grid)
        modules = list(attention.modules())
        if any(isinstance(each, NonLocal) for each in modules):
            raise RgavizError("wiring=masks needs an attention that is masks alone; set wiring=maps.")
        self.gates = [each for each in modules if isinstance(each, Gate)]

    def attended(self, x: Tensor) -> Tensor:
        with _outputs(self.gates) as masks:
            self.attention(roi_align(x, self.grid))
        for mask in masks:
            x = x * (mask if mask.shape[2:] == (1, 1) else enlarged(mask, x.shape[2:]))  # (B, 1 or C, H, W)
        return x


@contextmanager
def _outputs(modules: list[Any]) -> Iterator[list[Tensor]]:
    """What modules give inside the block, in this thread."""
    found: list[Tensor] = []
    thread = threading.get_ident()

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if threading.get_ident() == thread:
            found.append(output)

    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


WIRINGS: dict[str, Callable[[nn.Module, int], Context]] = {"maps": AttendedMaps, "masks": AttendedMasks}


def build_context(wiring: str, attention: nn.Module, grid: int) -> Context:
    """The slot around an attention for maps (B, C, grid, grid).

    Args:
        wiring: a key of ``WIRINGS``.
        attention: the module.
        grid: side of the grid.

    Raises:
        UnknownNameError: no such wiring.
        RgavizError: the attention is not for this wiring.
    """
    return lookup(WIRINGS, wiring, "wiring")(attention, grid)
