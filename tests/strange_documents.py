"""Documents of checkpoints and of states to resume, with seeded values that none of ours has."""

from __future__ import annotations

import copy
import random
from collections import OrderedDict

import torch

TEXTS = [
    "",
    "a\nb",
    "\x1b[31mred",
    "[red]x[/]",
    "x" * 5000,
    "\ud800",
    "caf\udce9",
    "\0",
    "$x^",
    "torchvision:vgg16",
]
NUMBERS = [True, -1, 0, 2**40, 2**63, 2**70, 10**600, float("nan"), float("inf"), -0.5, 1j]
TORCH = [torch.float32, torch.Size([1]), torch.device("meta"), torch.tensor(3), torch.ones(2)]
WEIGHTS = [
    torch.zeros(()),
    torch.zeros(0),
    torch.zeros(3, 32, dtype=torch.complex64),
    torch.zeros(3, 32, dtype=torch.bool),
    torch.zeros(3, 32, dtype=torch.uint8),
    torch.zeros(3, 32, dtype=torch.float64),
    torch.zeros(3, 32, dtype=torch.bfloat16),
    torch.zeros(3, 32).to_sparse(),
    torch.zeros(3, 32, device="meta"),
    torch.zeros(1).expand(2**50),
    torch.full((3, 32), float("nan")),
    torch.nn.Parameter(torch.zeros(3, 32)),
    torch.zeros(3, 32, requires_grad=True),
    torch.arange(96).reshape(3, 32),
]


def overwritten() -> torch.Tensor:
    """A tensor with attributes where its methods are looked for."""
    value = torch.zeros(3, 32)
    for name in ("is_floating_point", "float", "shape_text", "view", "detach"):
        setattr(value, name, "mine")
    return value


def odd(draw: random.Random, depth: int = 0) -> object:
    """Anything that a checkpoint can hold."""
    kinds = [TEXTS, NUMBERS, TORCH, [None, b"bytes", {1}, WEIGHTS[0]]]
    if depth > 2 or draw.random() < 0.7:
        return draw.choice(draw.choice(kinds))
    some = [odd(draw, depth + 1) for _ in range(draw.choice([0, 1, 2, 3, 10]))]
    if draw.random() < 0.5:
        return draw.choice([list, tuple])(some)
    keys = [draw.choice([*TEXTS, 1, None, "epoch", "test_error"]) for _ in some]
    return draw.choice([dict, OrderedDict])(zip(keys, some, strict=True))


def places(value: object, at: tuple = ()) -> list[tuple]:
    """The way to every value of a document, but of weights only to three."""
    if at == ("model",):
        names = list(value)
        return [at, *((*at, name) for name in (names[0], names[1], "fc.weight", "bn1.num_batches_tracked"))]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inside for place in places(each, (*at, key)))]


def changed(document: dict, draw: random.Random) -> object:
    """The document with one to three odd values, or without something."""
    thing = copy.deepcopy(document)
    for place in draw.sample(places(document)[1:], draw.choice([1, 1, 1, 2, 3])):
        inside = thing
        try:
            for key in place[:-1]:
                inside = inside[key]
            if draw.random() < 0.15:
                del inside[place[-1]]
            elif place[0] == "model" and len(place) > 1:
                inside[place[-1]] = draw.choice([*WEIGHTS, overwritten(), odd(draw)])
            else:
                inside[place[-1]] = odd(draw)
        except (TypeError, KeyError, IndexError):  # an earlier change took that place away
            continue
    return thing
