"""Modules that the user says masks leave: a home-made attention needs no ``Gate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, get_args

from torch import nn

from rgaviz.attention.gate import Kind
from rgaviz.errors import RgavizError, clipped, kind_of, lookup, unknown_name
from rgaviz.explain.layers import in_order
from rgaviz.explain.sources import DECLARED

KINDS: dict[str, str] = {kind: kind for kind in get_args(Kind)}
# Dotted name or pattern -> kind; None: by the shape of what the module gives.
Wanted = Mapping[str, str | None]


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
        if not isinstance(name, str):
            raise RgavizError(
                f"Gates are named, {{'att4.sigmoid': 'spatial'}}, and {kind_of(name)} is no name; names are those of "
                "network.named_modules()."
            )
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
        RgavizError: what a module gives has not the shape of a mask, or not of one of that kind.
    """
    modules = _named(model)
    found = {name: kind for pattern, kind in wanted.items() for name in _matches(modules, pattern)}
    names = {modules[name]: name for name in reversed(found)}  # of two names of a module the first
    shapes = {module: shape for module, shape in in_order(model, names, image_size)} if names else {}
    if unused := next((name for module, name in names.items() if module not in shapes), None):
        raise RgavizError(
            f"--gate {clipped(unused)} is not used in a forward pass; name another module. A function such as "
            "torch.sigmoid is none: call an nn.Sigmoid() of its own there."
        )
    kinds = {
        name: _kind_of(name, shapes[modules[name]], kind)
        for name, kind in found.items()
        if names[modules[name]] == name
    }
    for name, kind in kinds.items():
        vars(modules[name])[DECLARED] = kind
    return kinds


def _named(model: nn.Module) -> dict[str, nn.Module]:
    """All modules by all their names, for one may be used under several.

    Without identities, which stand where an ablation has left a gate out: no mask leaves one.
    """
    named = model.named_modules(remove_duplicate=False)
    return {name: module for name, module in named if name and not isinstance(module, nn.Identity)}


def _matches(modules: Mapping[str, nn.Module], pattern: str) -> list[str]:
    """Of the names that a pattern fits those of the innermost modules."""
    fitting = [name for name in modules if fnmatchcase(name, pattern)]
    return [name for name in fitting if not any(each.startswith(f"{name}.") for each in fitting)]


def undeclare(model: nn.Module) -> None:
    """Take back what :func:`declare` noted."""
    for module in model.modules():
        vars(module).pop(DECLARED, None)


def refuse_unknown_gates(models: Sequence[nn.Module], wanted: Wanted) -> None:
    """Make sure that every name or pattern is that of a module, in one of the networks at least.

    Raises:
        UnknownNameError: one is not.
    """
    every = [_named(model) for model in models]
    for pattern in wanted:
        if not any(_matches(modules, pattern) for modules in every):
            raise unknown_name(pattern, {name for modules in every for name in modules}, "module for --gate")


@contextmanager
def declared(model: nn.Module, wanted: Wanted, image_size: Sequence[int]) -> Iterator[None]:
    """Gates that are known within the block; then the network is as it was.

    Raises:
        RgavizError: as :func:`declare`, or no module has such a name.
    """
    before = {module: vars(module)[DECLARED] for module in model.modules() if DECLARED in vars(module)}
    try:
        refuse_unknown_gates([model], wanted)
        declare(model, wanted, image_size)
        yield
    finally:
        for module in model.modules():
            own: Any = vars(module)
            own.pop(DECLARED, None)
            if module in before:
                own[DECLARED] = before[module]


def _kind_of(name: str, shape: Sequence[int] | None, said: str | None) -> str:
    """What a mask of this shape ranges over; where the user says it, that must be possible.

    A wrong kind would be a wrong mask: the first channel of many, say.
    """
    match tuple(shape or ()):
        case (_, 1, 1, 1):
            possible = ["channel", "spatial", "joint"]
        case (_, 1, 1, _):
            possible = ["spatial", "channel", "joint"]  # also (B, 1, 1, C), of networks with channels last
        case (_, 1, _, _):
            possible = ["spatial", "joint"]
        case (_, _, 1, 1):
            possible = ["channel", "joint"]
        case (_, 1, _) | (_, _, 1):
            possible = ["channel", "spatial"]  # also (B, H, W) of a narrow map
        case (_, _, _):
            possible = ["spatial"]  # (B, H, W)
        case (_, _):
            possible = ["channel"]
        case (_, _, _, _):
            possible = ["joint"]
        case _:
            possible = []
    if said is None and possible:
        return possible[0]
    if said in possible:
        return str(said)
    gives = f"({', '.join(['B', *map(str, shape[1:])])})" if shape else "no tensor"
    kind = f"{said} mask" if said else "mask"
    raise RgavizError(
        f"--gate {clipped(name)} gives {gives}, which is no {kind}: spatial is (B, 1, H, W), channel (B, C, 1, 1) or "
        "(B, C), joint (B, C, H, W). Name the module that gives one, or its kind."
    )
