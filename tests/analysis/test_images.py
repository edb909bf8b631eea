"""The data set that networks are measured on."""

from __future__ import annotations

from types import SimpleNamespace

from rgaviz.analysis.images import opened


def test_a_part_is_as_large_as_the_training_had_it():
    sizes = {"train_size": 7, "test_size": 3, "held_out": 0.5}
    checkpoint = SimpleNamespace(dataset="streets", image_size=(32, 32), recipe={"data": sizes}, path="a.pt")
    told = []

    def load(name, **options):
        told.append({key: options.get(key) for key in sizes})

    for name in ("streets", "cityscapes"):
        opened(checkpoint, name, data_dir=None, pattern=None, load=load)  # type: ignore
    assert told == [sizes, dict.fromkeys(sizes)]
