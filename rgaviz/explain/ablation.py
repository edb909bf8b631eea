"""A network whose masks are replaced by something that knows less: what of them it needs shows in what it then says.

The outputs of gates are changed by hooks while the network runs, so what lies behind sees the changed mask. Of a mask
that is the product of two outputs (coordinate attention) each is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.attention.gate import Kind
from rgaviz.explain.sources import calls_of, mask_kind, plain_mask, raw_mask, watched_module

SEED = 0  # of what is shuffled


@dataclass
class Seen:
    """What a gate gave of all pictures of a set, without any of them alone but the last.

    Attributes:
        sums: of each call of a forward pass the sum of its masks (1, ...), float64.
        counts: of how many pictures.
        last: the mask of the last picture (1, ...).
    """

    sums: list[Tensor] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    last: list[Tensor] = field(default_factory=list)

    def add(self, call: int, mask: Tensor) -> None:
        """The masks (B, ...) of a batch; of another size than the first ones they are brought to theirs."""
        total = mask.float().sum(0, keepdim=True).cpu().double()  # MPS has no float64
        last = mask[-1:].clone()
        if call == len(self.sums):
            self.sums, self.counts, self.last = (
                [*self.sums, total],
                [*self.counts, len(mask)],
                [*self.last, last],
            )
            return
        self.sums[call] += fitted(total, self.sums[call])
        self.counts[call] += len(mask)
        self.last[call] = last

    def mean(self, call: int) -> Tensor:
        """The mean mask (1, ...) of all pictures."""
        return self.sums[call] / self.counts[call]


@dataclass
class State:
    """What an ablation of a gate needs while pictures pass.

    Attributes:
        kind: what the mask ranges over.
        average: of all pictures, (1, ...).
        before: the mask of the picture before, (1, ...).
        draw: what to shuffle by.
    """

    kind: Kind
    average: Tensor
    before: Tensor
    draw: torch.Generator


def all_ones(mask: Tensor, state: State) -> Tensor:
    """Nothing is attenuated: the features as if there were no mask."""
    return torch.ones_like(mask)


def own_mean(mask: Tensor, state: State) -> Tensor:
    """The mean of each picture's mask, everywhere: its strength stays, what it prefers is gone."""
    return mask.flatten(1).mean(1).view(-1, *[1] * (mask.ndim - 1)).expand_as(mask)


def average_mask(mask: Tensor, state: State) -> Tensor:
    """The mean mask of all pictures: what it prefers everywhere stays, what it owes to the picture is gone."""
    return fitted(state.average, mask).to(mask).expand_as(mask)


def over_positions(mask: Tensor, state: State) -> Tensor:
    """Each picture's values at other positions, those of all channels alike."""
    if state.kind == "joint":
        flat = mask.flatten(2)  # (B, C, H, W) -> (B, C, n)
        order = _orders(flat.shape[0], flat.shape[2], mask, state)[:, None].expand_as(flat)
        return flat.gather(2, order).view(mask.shape)
    return _shuffled(mask, state)


def over_channels(mask: Tensor, state: State) -> Tensor:
    """Each picture's values in other channels, those of all positions alike."""
    if state.kind == "joint":
        flat = mask.flatten(2)
        order = _orders(flat.shape[0], flat.shape[1], mask, state)[..., None].expand_as(flat)
        return flat.gather(1, order).view(mask.shape)
    return _shuffled(mask, state)


def over_pictures(mask: Tensor, state: State) -> Tensor:
    """The mask of the picture before, of the first one that of the last of the whole set."""
    moved = torch.cat([fitted(state.before, mask).to(mask), mask[:-1]])
    state.before = mask[-1:].clone()
    return moved


def _shuffled(mask: Tensor, state: State) -> Tensor:
    flat = mask.flatten(1)  # (B, n)
    return flat.gather(1, _orders(len(flat), flat.shape[1], mask, state)).view(mask.shape)


def _orders(pictures: int, count: int, mask: Tensor, state: State) -> Tensor:
    """An order (B, n) of each picture's own, where the mask is."""
    return torch.rand(pictures, count, generator=state.draw).argsort(1).to(mask.device)


@dataclass(frozen=True)
class Way:
    """A way to replace a mask.

    Attributes:
        title: as figures have it.
        change: masks (B, ...) and the state -> masks of the same shape.
        kinds: of masks that it can be done to.
    """

    title: str
    change: Callable[[Tensor, State], Tensor]
    kinds: tuple[Kind, ...] = ("spatial", "channel", "joint")


WAYS: dict[str, Way] = {
    "ones": Way("all ones", all_ones),
    "mean": Way("its own mean", own_mean),
    "average": Way("mean mask of all pictures", average_mask),
    "positions": Way("shuffled over positions", over_positions, ("spatial", "joint")),
    "channels": Way("shuffled over channels", over_channels, ("channel", "joint")),
    "pictures": Way("another picture's", over_pictures),
}


def changed_by(way: str, gates: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Those of some gates whose masks a way can be done to."""
    return {key: module for key, module in gates.items() if mask_kind(module) in WAYS[way].kinds}


@contextmanager
def seen(gates: Mapping[str, nn.Module]) -> Iterator[dict[str, Seen]]:
    """What gates give of all pictures that pass inside the block; nothing is changed.

    Args:
        gates: of :func:`rgaviz.explain.gates.gates`.
    """
    found = {key: Seen() for key in gates}

    def watch(key: str, call: int, mask: Tensor) -> Tensor:
        found[key].add(call, mask)
        return mask

    with _hooked(gates, watch):
        yield found


@contextmanager
def ablated(gates: Mapping[str, nn.Module], way: str, known: Mapping[str, Seen]) -> Iterator[None]:
    """Replace the masks of all pictures that pass inside the block. The seed is fixed.

    Call it inside :func:`rgaviz.explain.lending.lent`.

    Args:
        gates: those to be changed, see :func:`changed_by`.
        way: a key of :data:`WAYS`.
        known: of :func:`seen`, for these gates and the same pictures.
    """
    states: dict[tuple[str, int], State] = {}
    for number, (key, module) in enumerate(gates.items()):
        for call in range(len(known[key].sums)):
            draw = torch.Generator().manual_seed(SEED + 1000 * number + call)
            kind: Any = mask_kind(module)
            states[key, call] = State(kind, known[key].mean(call), known[key].last[call], draw)

    def change(key: str, call: int, mask: Tensor) -> Tensor:
        return WAYS[way].change(mask, states[key, call])

    with _hooked(gates, change):
        yield


@contextmanager
def _hooked(gates: Mapping[str, nn.Module], change: Callable[[str, int, Tensor], Tensor]) -> Iterator[None]:
    """The masks of some gates are what ``change`` makes of them: of a gate, a call in a forward pass, and (B, ...)."""
    thread, calls = threading.get_ident(), dict.fromkeys(gates, 0)

    def hook_of(key: str, module: nn.Module) -> Any:
        each = calls_of(module)

        def hook(_: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            if threading.get_ident() != thread:
                return output
            call = calls[key] % each
            calls[key] += 1
            return raw_mask(module, change(key, call, plain_mask(module, output)))

        return hook

    handles = []
    try:
        for key, module in gates.items():
            handles.append(watched_module(module).register_forward_hook(hook_of(key, module)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def fitted(mask: Tensor, other: Tensor) -> Tensor:
    """A mask (1, ...) of the size of another one, bilinear where it is not."""
    if mask.shape[1:] == other.shape[1:]:
        return mask
    values = mask if mask.ndim == 4 else mask[:, None]  # (1, H, W) -> (1, 1, H, W)
    wide = F.interpolate(values, other.shape[-2:], mode="bilinear", align_corners=False)
    return wide if mask.ndim == 4 else wide[:, 0]
