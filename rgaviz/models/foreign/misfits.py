"""Weights that do not fit a network, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from rgaviz.errors import clipped, first_that_fit
from rgaviz.models.network import shape_text
from rgaviz.own_code import is_own_code

# Words that the names of parts of a training have, which are none of a network, and those that may stand beside them.
BESIDE = {
    "loss",
    "losses",
    "criterion",
    "criteria",
    "center",
    "centers",
    "optim",
    "optimizer",
    "ema",
    "teacher",
}
BESIDE_THEM = {
    "model",
    "net",
    "network",
    "fn",
    "func",
    "function",
    "module",
    "triplet",
    "id",
    "ce",
    "weights",
    "state",
}
NAMED = 3  # names told of each kind of fault
LETTERS = 120  # of all names in a message


def compared(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
    """What of a state_dict does not fit a network's ``own``, by what is wrong with it, and what fits.

    Counters of batches, which older files lack, may be missing.
    """
    misshaped = {key for key, value in state.items() if key in own and own[key].shape != value.shape}
    faults = {
        "missing": [key for key in own if key not in state and not key.endswith("num_batches_tracked")],
        "unexpected": [key for key in state if key not in own],
        "of another shape": [
            f"{key} {shape_text(state[key].shape)} instead of {shape_text(own[key].shape)}"
            for key in own
            if key in misshaped
        ],
    }
    return faults, {key: value for key, value in state.items() if key in own and key not in misshaped}


def next_step(
    faults: Mapping[str, Sequence[str]], fitting: int, own: int, arch: str, size: tuple[int, int]
) -> str:
    """What to do about weights that do not fit, by what is wrong with them."""
    kinds = set(faults)
    if kinds == {"unexpected"} and all(map(_is_beside, faults["unexpected"])):
        return (
            "All that the network needs is there: remove these entries from the state_dict and save it again."
        )
    if kinds == {"unexpected"}:  # without them it would be a network that nobody trained
        other = "another network of yours" if is_own_code(arch) else "your own code: --arch net.py:make"
        return (
            f"They look like modules that {arch} lacks, such as attention of your own: name the network that has them, "
            f"{other}."
        )
    if kinds == {"missing"}:
        return "All else fits: save the whole state_dict of the network, or give --arch a smaller one."
    if kinds == {"of another shape"}:
        return (
            f"All names fit: give --arch a wider or narrower network than {arch}, "
            f"or convert them for another --image-size than {shape_text(size)}."
        )
    return (
        f"{fitting} of the network's {own} entries are in the file and fit: "
        "give --arch the network that it was trained with, or rename what differs."
    )


def _is_beside(key: str) -> bool:
    """Whether an entry is of a training: by the words of the first part of its name, such as ``center_loss``."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key.partition(".")[0])}
    return bool(words & BESIDE) and words <= BESIDE | BESIDE_THEM


def few(names: Sequence[str], *, most: int = NAMED, letters: int = LETTERS) -> str:
    """The first names, as far as they fit into so many letters, and how many more there are."""
    shown = first_that_fit([clipped(name, letters) for name in names[:most]], letters)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


def told_together(faults: Mapping[str, Sequence[str]], between: str = " ") -> str:
    """What does not fit, as :func:`compared` gives it, by kind."""
    letters = LETTERS // max(len(faults), 1)
    return "; ".join(f"{kind}{between}{few(names, letters=letters)}" for kind, names in faults.items())
