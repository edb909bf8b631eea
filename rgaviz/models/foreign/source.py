"""Names of networks from elsewhere: ``torchvision:NAME`` and ``timm:NAME``, and what is known of such a network."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import nn

from rgaviz.errors import LONGEST_PART, UnknownNameError, quoted
from rgaviz.own_code import LIBRARIES, is_own_code

OWN = "own"  # instead of a library: code of the user's
FRESH = "none"  # instead of the name of weights: none, a network as it is before training


class Source(NamedTuple):
    """``torchvision:resnet50@IMAGENET1K_V2`` in its parts; ``weights`` is empty for the library's default."""

    library: str
    name: str
    weights: str

    @property
    def arch(self) -> str:
        """What stands before the @, as :func:`rgaviz.create_model` takes it."""
        return self.name if self.library == OWN else f"{self.library}:{self.name}"

    @property
    def network(self) -> str:
        """The network alone: behind timm's dot and behind the @ stand names of weights."""
        return self.name if self.library == OWN else f"{self.library}:{self.name.partition('.')[0]}"

    @property
    def id(self) -> str:
        """A short name for figures and files."""
        weights = {"": "", FRESH: "untrained"}.get(self.weights, self.weights.removeprefix("IMAGENET1K_"))
        return f"{self.name}-{weights}" if weights else self.name


class Preset(NamedTuple):
    """How a library feeds a network: (H, W) in pixels; mean and deviation per channel, of values in [0, 1]."""

    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Loaded(NamedTuple):
    """A network of a library with weights, and what belongs to them; ``source`` names the very weights."""

    model: nn.Module
    source: str
    preset: Preset
    classes: list[str]


def is_library(name: Any) -> bool:
    """Whether a name is that of a network of torchvision or timm: it begins with ``torchvision:`` or ``timm:``."""
    return isinstance(name, str) and name.startswith(tuple(f"{library}:" for library in LIBRARIES))


def is_foreign(name: Any) -> bool:
    """Whether a name is that of a network which is not ours: of a library, or of the user's own code."""
    return is_library(name) or is_own_code(name)


def parse(text: str) -> Source:
    """The parts of ``library:name``, ``library:name@weights`` or ``FILE.py:name``."""
    if is_own_code(text):
        return Source(OWN, text, "")
    library, _, rest = text.partition(":")
    name, _, weights = rest.partition("@")
    return Source(library, name, weights)


def unknown_network(source: Source, known: Iterable[str], listed: str) -> UnknownNameError:
    """Like :func:`rgaviz.errors.unknown_name`, but hundreds of names are not listed."""
    near = difflib.get_close_matches(source.name[:LONGEST_PART], list(known), n=1)
    hint = f"Did you mean {source.library}:{near[0]}? " if near else ""
    return UnknownNameError(
        f"{source.library} has no network {quoted(source.name)}. {hint}{listed} has all names."
    )
