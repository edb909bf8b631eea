"""The user's own attention: ``FILE.py:NAME``, a class or function that makes a module (B, C, H, W) -> (B, C, H, W)."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, clipped, kind_of
from rgaviz.own_code import own_fault, own_object, own_word

_NAMED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)
ARGUMENTS = ("channels", "size", "s1", "s2")  # in the order in which they are given


def build_own(word: str, channels: int, size: tuple[int, int], s1: int, s2: int) -> nn.Module:
    """A module of the user's for maps (B, channels, H, W), whose code runs.

    It is called with as many of ``channels``, ``size`` = (H, W), ``s1`` and ``s2`` as it takes, in this order.

    Args:
        word: ``FILE.py:NAME`` or ``package.module:NAME``.
        channels: C.
        size: (H, W) of the map.
        s1: a reduction ratio.
        s2: another.

    Raises:
        RgavizError: there is no such name, it fails, or it gives something else than such a module.
    """
    made: Any = own_object(word)
    if not callable(made) or isinstance(made, nn.Module):
        raise RgavizError(
            f"{own_word(word)} is {kind_of(made)}; name a class or function that makes a module."
        )
    given = _taken(made, word, (channels, size, s1, s2))
    try:
        module = made(*given)
    except RgavizError:
        raise
    except Exception as error:
        raise own_fault(word, error) from error
    if not isinstance(module, nn.Module):
        raise RgavizError(f"{own_word(word)} makes {kind_of(module)}, not an nn.Module; return one.")
    _try(module, word, (2, channels, *size))
    return module


def _taken(made: Any, word: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """As many of the values as a class or function takes: what it needs, and what it calls as we do."""
    try:
        parameters = list(inspect.signature(made).parameters.values())
    except (TypeError, ValueError):  # of some compiled ones nothing is known
        return values[:1]
    count = 0
    for parameter, name in zip(parameters, ARGUMENTS, strict=False):
        if parameter.kind is parameter.VAR_POSITIONAL:
            return values
        positional = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        if not positional or (parameter.default is not parameter.empty and parameter.name != name):
            break
        count += 1
    more = [each.name for each in parameters[count:] if each.default is each.empty and each.kind in _NAMED]
    if more or not count:
        raise RgavizError(
            f"{own_word(word)} wants {clipped(', '.join(more)) or 'no channels'}; it is called with (channels), "
            "(channels, size) or (channels, size, s1, s2): give what else it takes a default."
        )
    return values[:count]


def _try(module: nn.Module, word: str, shape: tuple[int, ...]) -> None:
    """Refuse a module that does not give a map of the shape that it gets."""
    modes = [(each, each.training) for each in module.modules()]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            given = module.eval()(torch.zeros(shape))
    except (
        NotImplementedError
    ):  # where there are shapes only, and it wants values: it is tried again when it has them
        if torch.get_default_device().type == "meta":
            return
        raise
    except Exception as error:
        raise own_fault(word, error) from error
    finally:
        for each, mode in modes:
            each.training = mode
    if not isinstance(given, Tensor):
        raise RgavizError(
            f"{own_word(word)} gives {kind_of(given)} for a map; return one tensor of the map's shape: the map times "
            "its mask."
        )
    if tuple(given.shape) != shape:
        raise RgavizError(
            f"{own_word(word)} gives {tuple(given.shape)} for a map of {shape}; return a map of the same shape: the "
            "map times its mask."
        )
