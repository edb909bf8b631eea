"""The toys of the tasks."""

from __future__ import annotations

from functools import partial

import tiny

from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.people import load_people

# Of each task: small images, what sets its recipe apart, a target, and what a picture may show.
TOYS = {
    "classification": (tiny.dataset, {}, "top1", "ring"),
    "reid": (
        partial(load_people, image_size=(16, 16), train_size=180, test_size=21),
        {"batch_size": 16, "images_per_identity": 4},
        "norm",
        "7",
    ),
    "regression": (
        partial(load_dataset, "dots", image_size=(16, 16), train_size=70, test_size=21),
        {"augment": "none"},
        "all",
        "0.5 0.5",
    ),
}
