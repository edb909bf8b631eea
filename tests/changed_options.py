"""Options of networks with values of nobody's choice."""

from __future__ import annotations

# Option -> a value that is nobody's default.
CHANGED = {
    "attention_layers": lambda stages: stages[1:2],
    "width": lambda _: 48,
    "s1": lambda _: 2,
    "s2": lambda _: 2,
    "last_stride": lambda _: 3,
    "stem": lambda _: "imagenet",
    "head": lambda _: "bnneck",
    "memory_efficient": lambda _: True,
    "auxiliary": lambda _: True,
    "grid": lambda _: 5,
    "wiring": lambda _: "masks",
}
