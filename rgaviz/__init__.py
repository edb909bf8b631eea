"""rgaviz: train a baseline and an attention network, extract masks and Grad-CAM maps, draw the figure."""

from __future__ import annotations

TYPE_CHECKING = False  # as that of typing, which takes longer to load than a signal to come
__version__ = "0.1.0"

if TYPE_CHECKING:
    from rgaviz.analysis.compare import compare as compare
    from rgaviz.analysis.convert import convert as convert
    from rgaviz.analysis.cost import profile as profile
    from rgaviz.analysis.demo import demo as demo
    from rgaviz.analysis.evaluate import evaluate as evaluate
    from rgaviz.analysis.evolve import evolve as evolve
    from rgaviz.analysis.faithfulness import faithfulness as faithfulness
    from rgaviz.analysis.growth import growth as growth
    from rgaviz.analysis.histogram import histogram as histogram
    from rgaviz.analysis.lists import choices as choices
    from rgaviz.analysis.localize import localize as localize
    from rgaviz.analysis.rank import rank as rank
    from rgaviz.analysis.redraw import redraw as redraw
    from rgaviz.analysis.relations import relations as relations
    from rgaviz.analysis.report import report as report
    from rgaviz.analysis.sanity import sanity as sanity
    from rgaviz.analysis.show import show_cam as show_cam
    from rgaviz.analysis.show import show_masks as show_masks
    from rgaviz.analysis.statistics import statistics as statistics
    from rgaviz.analysis.sweep import sweep as sweep
    from rgaviz.analysis.train import train as train
    from rgaviz.attention import build_attention as build_attention
    from rgaviz.checkpoint import load_checkpoint as load_checkpoint
    from rgaviz.checkpoint import save_checkpoint as save_checkpoint
    from rgaviz.explain.cam import cam as cam
    from rgaviz.explain.masks import masks as masks
    from rgaviz.models import create_model as create_model
    from rgaviz.runs.tabulate import tabulate as tabulate

# Public name -> module that defines it; imported on first use, since torch alone takes two seconds.
PUBLIC = {
    "build_attention": "rgaviz.attention",
    "cam": "rgaviz.explain.cam",
    "choices": "rgaviz.analysis.lists",
    "compare": "rgaviz.analysis.compare",
    "convert": "rgaviz.analysis.convert",
    "create_model": "rgaviz.models",
    "demo": "rgaviz.analysis.demo",
    "evaluate": "rgaviz.analysis.evaluate",
    "evolve": "rgaviz.analysis.evolve",
    "faithfulness": "rgaviz.analysis.faithfulness",
    "growth": "rgaviz.analysis.growth",
    "histogram": "rgaviz.analysis.histogram",
    "load_checkpoint": "rgaviz.checkpoint",
    "localize": "rgaviz.analysis.localize",
    "masks": "rgaviz.explain.masks",
    "profile": "rgaviz.analysis.cost",
    "rank": "rgaviz.analysis.rank",
    "redraw": "rgaviz.analysis.redraw",
    "relations": "rgaviz.analysis.relations",
    "report": "rgaviz.analysis.report",
    "sanity": "rgaviz.analysis.sanity",
    "save_checkpoint": "rgaviz.checkpoint",
    "show_cam": "rgaviz.analysis.show",
    "show_masks": "rgaviz.analysis.show",
    "statistics": "rgaviz.analysis.statistics",
    "sweep": "rgaviz.analysis.sweep",
    "tabulate": "rgaviz.runs.tabulate",
    "train": "rgaviz.analysis.train",
}
__all__ = [
    "__version__",
    "build_attention",
    "cam",
    "choices",
    "compare",
    "convert",
    "create_model",
    "demo",
    "evaluate",
    "evolve",
    "faithfulness",
    "growth",
    "histogram",
    "load_checkpoint",
    "localize",
    "masks",
    "profile",
    "rank",
    "redraw",
    "relations",
    "report",
    "sanity",
    "save_checkpoint",
    "show_cam",
    "show_masks",
    "statistics",
    "sweep",
    "tabulate",
    "train",
]


if not TYPE_CHECKING:  # which would take any name for one that is here

    def __getattr__(name: str) -> object:
        if name not in PUBLIC:
            raise AttributeError(f"module 'rgaviz' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
