"""Where a mask leaves a module: our own gates, and attention modules of timm and torchvision, known by their type.

Neither library is imported: a module tells its own type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate, Kind
from rgaviz.errors import RgavizError


@dataclass(frozen=True)
class Source:
    """Where the mask leaves an attention module of another library.

    Attributes:
        kind: what the mask ranges over; a function of the module where its options decide, None for no gate.
        gate: the attribute that holds the module to watch.
        calls: how often one forward pass calls it; the mask is the product of its outputs.
        function: what turns the output into the mask where the module applies it as a function; without it,
            the watched module must be a sigmoid.
        inverse: what turns a mask into such an output.
    """

    kind: Kind | Callable[[Any], Kind | None]
    gate: str = "gate"
    calls: int = 1
    function: Callable[[Tensor], Tensor] | None = None
    inverse: Callable[[Tensor], Tensor] | None = None


def _gather_excite(module: Any) -> Kind:
    return "channel" if module.gather is None and module.extent == 0 else "joint"


def _global_context(module: Any) -> Kind | None:
    return None if module.mlp_scale is None else "channel"  # it may only add


def _ghost_v3(module: Any) -> Kind | None:
    return "joint" if module.mode == "shortcut" else None


# Library, file and type -> where its mask leaves. Of timm 1.0 and torchvision 0.29; exact types, for a subclass may
# compute something else.
SOURCES: dict[str, Source] = {
    "timm.squeeze_excite.SEModule": Source("channel"),
    "timm.squeeze_excite.EffectiveSEModule": Source("channel"),
    "timm.squeeze_excite.SqueezeExciteCl": Source("channel"),
    "timm._efficientnet_blocks.SqueezeExcite": Source("channel"),
    "timm.senet.SEModule": Source("channel", "sigmoid"),
    "timm.hgnet.EseModule": Source("channel", "sigmoid"),
    "timm.eca.EcaModule": Source("channel"),
    "timm.eca.CecaModule": Source("channel"),
    "timm.cbam.ChannelAttn": Source("channel"),
    "timm.cbam.LightChannelAttn": Source(
        "channel", "fc2", function=torch.sigmoid, inverse=torch.logit
    ),  # its ``gate`` is never called
    "timm.cbam.SpatialAttn": Source("spatial"),
    "timm.cbam.LightSpatialAttn": Source("spatial"),
    "timm.gather_excite.GatherExcite": Source(_gather_excite),
    "timm.global_context.GlobalContext": Source(_global_context),
    "timm.coord_attn.CoordAttn": Source("joint", calls=2),  # (B, C, H, 1) times (B, C, 1, W)
    "timm.coord_attn.EfficientLocalAttn": Source("joint", calls=2),
    "timm.coord_attn.SimpleCoordAttn": Source("joint"),
    "timm.coord_attn.StripAttn": Source("joint"),
    "timm.ghostnet.GhostModuleV2": Source("joint", "gate_fn"),
    "timm.ghostnet.GhostModuleV3": Source(_ghost_v3, "gate_fn"),
    "torchvision.misc.SqueezeExcitation": Source("channel", "scale_activation"),
}
DECLARED = "rgaviz_gate"  # the attribute of a module that the user says a mask leaves: its kind
ROUNDING = 1e-3  # beyond [0, 1], as half precision has it
# Types of a function into [0, 1], whichever library's.
SIGMOIDS = ("Sigmoid", "Hardsigmoid", "HardSigmoid", "HardSigmoidMe")


def mask_kind(module: nn.Module) -> Kind | None:
    """What the mask ranges over that leaves ``module`` itself; None if none does."""
    if (declared := vars(module).get(DECLARED)) is not None:
        return declared
    if isinstance(module, Gate):
        return module.kind
    source = SOURCES.get(_type_name(module))
    if source is None:
        return None
    gate = getattr(module, source.gate, None)
    if source.function is None and type(gate).__name__ not in SIGMOIDS:  # also one of ours, which is its own
        return None
    return source.kind(module) if callable(source.kind) else source.kind


def watched_module(module: nn.Module) -> nn.Module:
    """The module whose outputs make the mask of ``module``, for which :func:`mask_kind` names a kind."""
    return module if ends_itself(module) else getattr(module, SOURCES[_type_name(module)].gate)


def ends_itself(module: nn.Module) -> bool:
    """Whether the mask is what the module itself gives: a gate of ours, or one that the user declared."""
    return isinstance(module, Gate) or DECLARED in vars(module)


def _source_of(module: nn.Module) -> Source:
    return Source(mask_kind(module) or "joint") if ends_itself(module) else SOURCES[_type_name(module)]


def calls_of(module: nn.Module) -> int:
    """How often one forward pass calls the watched module of a mask."""
    return _source_of(module).calls


def plain_mask(module: nn.Module, output: Tensor) -> Tensor:
    """What one output of the watched module multiplies by: the mask, or one of its factors."""
    function = _source_of(module).function
    return output if function is None else function(output)


def raw_mask(module: nn.Module, mask: Tensor) -> Tensor:
    """The output of the watched module that multiplies by this mask or factor."""
    inverse = _source_of(module).inverse
    return mask if inverse is None else inverse(mask)


def mask_of(module: nn.Module, outputs: Sequence[Tensor], key: str) -> Tensor:
    """The mask of ``module`` from what its watched module gave in one forward pass.

    Args:
        module: one for which :func:`mask_kind` names a kind.
        outputs: in the order of the calls.
        key: how to call it in an error.

    Returns:
        (B, 1, H, W) for ``spatial``, (B, C, 1, 1) for ``channel``, (B, C, H, W) for ``joint``.

    Raises:
        RgavizError: the gate was not called, or more often than a mask needs: no output is *the* mask then.
    """
    kind = mask_kind(module)
    source = _source_of(module)
    if len(outputs) != source.calls:
        used = f"used {len(outputs)} times in a forward pass, not {source.calls}" if outputs else "not used"
        step = (
            "Give each use an nn.Sigmoid() of its own"
            if DECLARED in vars(module)
            else "Name other layers for masks"
        )
        raise RgavizError(f"{key} has no mask: its gate is {used}. {step}.")
    mask = outputs[0]
    for other in outputs[1:]:
        mask = mask * other  # (B, C, H, 1) * (B, C, 1, W) -> (B, C, H, W)
    mask = mask if source.function is None else source.function(mask)
    if DECLARED in vars(module):
        _check_range(mask, key)
    if kind == "spatial" and mask.ndim == 3:
        return mask.unsqueeze(1)  # (B, H, W) -> (B, 1, H, W)
    if kind == "channel":
        return mask.reshape(len(mask), -1, 1, 1)  # (B, C, 1, 1), (B, 1, C) or (B, 1, 1, C) -> (B, C, 1, 1)
    return mask


def _check_range(mask: Tensor, key: str) -> None:
    """Refuse what the user declared to be a mask and is none."""
    low, high = float(mask.min()), float(mask.max())
    if not -ROUNDING <= low <= high <= 1 + ROUNDING:
        raise RgavizError(
            f"{key} lies between {low:.3g} and {high:.3g}, which is no mask in [0, 1]; give --gate the module that "
            "ends in one, a sigmoid, say."
        )


def _type_name(module: nn.Module) -> str:
    """``timm.layers.eca.EcaModule`` -> ``timm.eca.EcaModule``: the folders between have moved, and may again."""
    path = type(module).__module__.split(".")
    return f"{path[0]}.{path[-1]}.{type(module).__name__}"
