"""Modules that the user says masks leave: a home-made attention needs no ``Gate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, get_args

from torch import nn

from rgaviz.attention.gate import Kind
from rgaviz.errors import RgavizError, clipped, lookup, quoted, unknown_name
from rgaviz.explain.layers import in_order
from rgaviz.explain.sources import DECLARED

KINDS: dict[str, str] = {kind: kind for kind in get_args(Kind)}
Wanted = Mapping[
    str, str | None
]  # dotted name or pattern -> kind; None: by the shape of what the module gives


def parse_gates(given: Wanted | Sequence[str] | str | None) -> dict[str, str | None]:
    """``att4.sigmoid:spatial``, ``*.sa.sig`` and the like as names and kinds.

    Raises:
        RgavizError: no such kind.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        found = dict(given)
    else:
        several = [given] if isinstance(given, str) else list(given)
        split = [str(each).partition(":") for each in several]
        found = {name: kind or None for name, _, kind in split}
    for name, kind in found.items():
        if not name:
            raise RgavizError("--gate has no name; write NAME:spatial, such as att4.sigmoid:spatial.")
        if kind is not None:
            lookup(KINDS, kind, "kind of gate")
    return found


def declare(model: nn.Module, wanted: Wanted, image_size: Sequence[int]) -> dict[str, str]:
    """Note on modules that a mask leaves them; where no kind is given, the shape of what they give tells it.

    Args:
        model: the network.
        wanted: names or patterns of modules, such as ``*.sa.sigmoid``. Of modules within each other the innermost
            count.
        image_size: (H, W) of its images, by which shapes are found.

    Returns:
        The dotted names of the modules found, with their kinds; none where nothing has such a name.

    Raises:
        RgavizError: what a module gives has the shape of no mask.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    found: dict[str, str | None] = {}
    for pattern, kind in wanted.items():
        matches = [name for name in modules if fnmatchcase(name, pattern)]
        inner = [name for name in matches if not any(each.startswith(f"{name}.") for each in matches)]
        found |= dict.fromkeys(inner, kind)
    unsaid = {modules[name]: name for name, kind in found.items() if kind is None}
    if unsaid:
        for module, shape in in_order(model, unsaid, image_size):
            found[unsaid[module]] = _kind_of(unsaid[module], shape)
    if unused := next((name for name, kind in found.items() if kind is None), None):
        raise RgavizError(f"--gate {clipped(unused)} is not used in a forward pass; name another module.")
    kinds = {name: str(kind) for name, kind in found.items()}
    for name, kind in kinds.items():
        vars(modules[name])[DECLARED] = kind
    return kinds


def undeclare(model: nn.Module) -> None:
    """Take back what :func:`declare` noted."""
    for module in model.modules():
        vars(module).pop(DECLARED, None)


def no_such_gate(model: nn.Module, wanted: Wanted) -> RgavizError:
    """The error for names that no module has."""
    names = [name for name, _ in model.named_modules() if name]
    return unknown_name(next(iter(wanted)), names, "module for --gate")


@contextmanager
def declared(model: nn.Module, wanted: Wanted, image_size: Sequence[int]) -> Iterator[None]:
    """Gates that are known within the block; then the network is as it was.

    Raises:
        RgavizError: as :func:`declare`, or no module has such a name.
    """
    before = {module: vars(module)[DECLARED] for module in model.modules() if DECLARED in vars(module)}
    try:
        if wanted and not declare(model, wanted, image_size):
            raise no_such_gate(model, wanted)
        yield
    finally:
        for module in model.modules():
            own: Any = vars(module)
            own.pop(DECLARED, None)
            if module in before:
                own[DECLARED] = before[module]


def _kind_of(name: str, shape: Sequence[int] | None) -> str:
    """What a mask of this shape ranges over."""
    match tuple(shape or ()):
        case (_, 1, height, width) if height > 1 or width > 1:
            return "spatial"
        case (_, _) | (_, 1, _) | (_, _, 1, 1) | (_, 1, 1, _):
            return "channel"
        case (_, _, _):
            return "spatial"  # (B, H, W)
        case (_, _, _, _):
            return "joint"
    raise RgavizError(
        f"--gate {clipped(name)} gives {quoted(shape)}, which is no mask: (B, 1, H, W) over positions, (B, C, 1, 1) "
        f"or (B, C) "
        "over channels, (B, C, H, W) over both."
    )
