"""The command line: one file per command; importing one registers it with the app."""

from rgaviz.cli.app import app, main

from rgaviz.cli import (  # isort: skip  (they import the app)
    cam,
    compare,
    convert,
    demo,
    evaluate,
    growth,
    histogram,
    lists,
    localize,
    masks,
    predict,
    profile,
    rank,
    recipe,
    redraw,
    relations,
    sweep,
    table,
    train,
)

__all__ = [
    "app",
    "cam",
    "compare",
    "convert",
    "demo",
    "evaluate",
    "growth",
    "histogram",
    "lists",
    "localize",
    "main",
    "masks",
    "predict",
    "profile",
    "rank",
    "recipe",
    "redraw",
    "relations",
    "sweep",
    "table",
    "train",
]
