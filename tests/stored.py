"""A small results folder."""

from __future__ import annotations

import json

import numpy as np

from rgaviz.results.manifest import Line, MapRef, Panel, Picture, plain
from rgaviz.results.writer import ResultsWriter

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
MAP = np.array([[0.0, 1.5], [np.nan, -2.25]], dtype=np.float32)
HEAD = {
    "command": "compare",
    "checkpoints": [{"id": "rga", "error": np.float32(16.9)}],
    "titles": ["input", "m"],
}
REF = {"checkpoint": "rga", "name": "gradcam", "group": "cam"}


def entry(name="0"):
    return Picture(id=name, path=f"cats/{name}.jpg", size=[2, 3])


def row(name="0"):
    shown = Panel(kind="picture", picture=name, lines=[Line(text="cat")])
    told = {"prediction": "cat", "confidence": np.float64(0.25), "correct": None}
    return [shown, Panel(kind="map", picture=name, map=MapRef(**REF), values=plain(told))]


def write(folder, names=("0",), head=HEAD):
    with ResultsWriter(folder, head) as writer:
        for name in names:
            writer.picture(entry(name), PICTURE, {"rga/gradcam": MAP, "rga/conv5/channel": np.arange(3)})
            writer.row(row(name))
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edit(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
