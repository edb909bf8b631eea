"""The toys of the tasks."""

from __future__ import annotations

from functools import partial

import tiny

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.people import load_people
from rgaviz.data.sets.streets import load_streets

# Of each task: small images, what sets its recipe apart, a target, and what a picture may show, where a word says it.
TOYS = {
    "classification": (tiny.dataset, {}, "top1", "ring"),
    "reid": (
        partial(load_people, image_size=(16, 16), train_size=180, test_size=21),
        {"batch_size": 16, "images_per_identity": 4},
        "norm",
        "7",
    ),
    "segmentation": (
        partial(load_streets, image_size=(32, 32), train_size=70, test_size=6),
        {
            "augment": "scale-crop-mirror",
            "model": {"arch": "dilated-resnet18", "width": 8, "grid": 4, "s1": 2, "s2": 2},
            "data": {"image_size": (32, 32), "test_size": 6},
        },
        "road@all",
        None,
    ),
    "regression": (
        partial(load_dataset, "dots", image_size=(16, 16), train_size=70, test_size=21),
        {"augment": "none"},
        "all",
        "0.5 0.5",
    ),
}
