"""Attention modules behind one contract: (B, C, H, W) -> (B, C, H, W), the mask leaves through a Gate.

The non-local block alone has no mask.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import torch
from torch import nn

from rgaviz.attention import cbam, fc, nonlocal_, rga_variants, se
from rgaviz.attention.gate import Gate
from rgaviz.attention.own import build_own
from rgaviz.errors import RgavizError, lookup
from rgaviz.own_code import is_own_code, name_own_code, own_name, own_object

__all__ = ["ATTENTIONS", "Gate", "build_attention", "check_attentions", "working_ratio"]


def none(channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """No attention: the baseline, with the same ``forward`` as every other network."""
    del channels, size, s1, s2
    return nn.Identity()


ATTENTIONS: dict[str, Callable[..., nn.Module]] = {
    "none": none,
    "rga-s": rga_variants.rga_s,
    "rga-c": rga_variants.rga_c,
    "rga-sc": rga_variants.rga_sc,
    "rga-cs": rga_variants.rga_cs,
    "rga-parallel": rga_variants.rga_parallel,
    "rga-s-norel": rga_variants.rga_s_norel,
    "rga-s-novis": rga_variants.rga_s_novis,
    "rga-c-norel": rga_variants.rga_c_norel,
    "rga-c-novis": rga_variants.rga_c_novis,
    "se": se.se,
    "cbam-c": cbam.cbam_c,
    "cbam-s": cbam.cbam_s,
    "cbam-cs": cbam.cbam_cs,
    "fc-s": fc.fc_s,
    "fc-c": fc.fc_c,
    "fc-parallel": fc.fc_parallel,
    "nl": nonlocal_.nl,
    "nl+rga-s": nonlocal_.nl_rga_s,
}
TAKEN = (*ATTENTIONS, "baseline", "rga")  # names of files of networks


def build_attention(name: str, channels: int, size: tuple[int, int], s1: int = 8, s2: int = 8) -> nn.Module:
    """An attention module for maps (B, channels, H, W).

    ``s1`` and ``s2`` belong to the relations of RGA, also behind a non-local block; the other attentions have
    widths of their own and ignore them.

    Args:
        name: a key of ``ATTENTIONS``, or ``FILE.py:NAME`` of the user's own code, which runs.
        channels: C.
        size: (H, W) of the map; RGA, FC-S and FC-S//C make it part of the weights.
        s1: reduction ratio of the embeddings.
        s2: reduction ratio of W1.

    Raises:
        UnknownNameError: no such attention.
        RgavizError: the map is too small for the ratios.
    """
    builder = None if is_own_code(name) else lookup(ATTENTIONS, name, "attention")
    if min(channels, *size, s1, s2) < 1:
        raise RgavizError(
            f"Attention needs positive sizes and ratios, not {channels}, {size}, s1={s1}, s2={s2}."
        )
    if builder is None:
        return build_own(name, channels, size, s1, s2)
    try:
        return builder(channels, size, s1=s1, s2=s2)
    except RgavizError as error:
        limit = min(max(s1, s2), channels + 1, size[0] * size[1] + 1)
        ratio = _working_ratio(builder, channels, size, limit)
        raise RgavizError(f"{error} s1=s2={ratio} works.") from error


def check_attentions(names: Sequence[str]) -> None:
    """Refuse none at all, attentions that do not exist, and one named twice: both would write the same file.

    Code of the user's among them is noted as named, and is imported.

    Raises:
        RgavizError: there is one; the message names it.
    """
    if not names:
        raise RgavizError("No attention is named; name one, or none for the baseline.")
    name_own_code(*names)
    for name in names:
        if is_own_code(name):
            own_object(name)
        else:
            lookup(ATTENTIONS, name, "attention")
    called = [own_name(name) for name in names]
    if clash := [own_name(each) for each in names if is_own_code(each) and own_name(each) in TAKEN]:
        raise RgavizError(
            f"{clash[0]} is called like an attention of rgaviz or its files; give it another name."
        )
    if len(set(called)) < len(called):
        raise RgavizError(f"The attentions {','.join(names)} name one twice; name each once.")


def working_ratio(name: str, channels: int, size: tuple[int, int], most: int) -> int:
    """The largest s1 = s2 up to ``most`` that an attention can be built with for such maps; 1 always is.

    Raises:
        UnknownNameError: no such attention.
    """
    if is_own_code(name):
        return most
    return _working_ratio(lookup(ATTENTIONS, name, "attention"), channels, size, most + 1)


def _working_ratio(
    builder: Callable[..., nn.Module], channels: int, size: tuple[int, int], limit: int
) -> int:
    """The largest s1 = s2 below ``limit`` that every part of an attention can be built with; 1 always is."""
    for ratio in range(limit - 1, 1, -1):
        with contextlib.suppress(RgavizError), torch.device("meta"):
            builder(channels, size, s1=ratio, s2=ratio)
            return ratio
    return 1
