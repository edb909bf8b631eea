"""What a checkpoint of ours must hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rgaviz.checkpoint.reading import weight_fault
from rgaviz.errors import CheckpointError
from rgaviz.models.foreign import bare

FORMAT = 1

TASKS = ("classification",)  # what this version can use a network for; becomes the keys of rgaviz.tasks.TASKS

LARGEST_IMAGE = 4096  # pixels a side; a checkpoint that asks for more is damaged or hostile


def check_document(document: Any, path: Path) -> None:
    """Refuse what is not a checkpoint of ours, and say what it is instead."""
    form = document.get("format") if isinstance(document, dict) else None
    if not isinstance(form, int) or form < 1:
        raise CheckpointError(
            f"{path} is not an rgaviz checkpoint, nor weights: {bare.contents(document)}. Save weights alone, "
            "with torch.save(model.state_dict(), FILE), or train a network with: rgaviz train shapes"
        )
    if form > FORMAT:
        raise CheckpointError(
            f"{path} has format {form}, newer than this version reads ({FORMAT}). Upgrade rgaviz."
        )
    task = document.get("task", TASKS[0])  # files without one are as old as classification
    if isinstance(task, str) and task not in TASKS:
        raise CheckpointError(
            f"{path} is a network for {task[:80]!r}, which this version does not know: it reads "
            f"{', '.join(TASKS)}. Upgrade rgaviz."
        )
    if fault := _fault(document):
        raise CheckpointError(f"{path} is damaged: {fault}. Copy it again, or train it again.")


def _fault(document: dict[str, Any]) -> str | None:
    """The first thing wrong with a checkpoint's fields, if any."""
    kinds = {"config": dict, "model": dict, "classes": list, "normalisation": dict}
    for name, kind in kinds.items():
        if not isinstance(document.get(name), kind):
            return f"{name!r} is missing"
    for name, kind in {
        "metrics": dict,
        "training": dict,
        "versions": dict,
        "history": list,
        "notes": list,
        "seed": int,
        "task": str,
    }.items():
        if not isinstance(document.get(name, kind()), kind):
            return f"{name!r} is no {kind.__name__}"
    size = document["config"].get("image_size")
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(isinstance(n, int) and 1 <= n <= LARGEST_IMAGE for n in size)
    ):
        return f"image_size is {size}"
    if len(document["classes"]) != document["config"].get("num_classes"):
        return f"{len(document['classes'])} class names for {document['config'].get('num_classes')} outputs"
    if not all(isinstance(name, str) for name in document["classes"]):
        return "a class name is not text"
    if not all(isinstance(note, str) and len(note.splitlines()) == 1 for note in document.get("notes", [])):
        return "a note is not a line of text"
    mean, std = (document["normalisation"].get(key) for key in ("mean", "std"))
    if not (_three_numbers(mean) and _three_numbers(std) and min(std) > 0):
        return f"its normalisation is mean {mean}, std {std}"
    faults = (fault.what for each in document["model"].items() if (fault := weight_fault(*each)))
    return next(faults, None)


def _three_numbers(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) == 3
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    )
