"""rgaviz: train a baseline and an attention network, extract masks and Grad-CAM maps, draw the figure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rgaviz.attention import build_attention as build_attention
    from rgaviz.checkpoint import load_checkpoint as load_checkpoint
    from rgaviz.checkpoint import save_checkpoint as save_checkpoint
    from rgaviz.explain.cam import cam as cam
    from rgaviz.explain.masks import masks as masks
    from rgaviz.models import create_model as create_model

# Public name -> module that defines it; imported on first use, since torch alone takes two seconds.
PUBLIC = {
    "build_attention": "rgaviz.attention",
    "cam": "rgaviz.explain.cam",
    "create_model": "rgaviz.models",
    "load_checkpoint": "rgaviz.checkpoint",
    "masks": "rgaviz.explain.masks",
    "save_checkpoint": "rgaviz.checkpoint",
}
__all__ = [
    "__version__",
    "build_attention",
    "cam",
    "create_model",
    "load_checkpoint",
    "masks",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'rgaviz' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
