"""Small networks that several tests share."""

from __future__ import annotations

import gc
import os
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

# Before torch is loaded, here and in the programs that tests start: sums over two threads round otherwise than over
# one, and two test programs at a time are faster with one thread each.
os.environ["OMP_NUM_THREADS"] = "1"

# Half the time of a figure is the packing of its PNGs, also within a PDF, as tightly as zlib can. Nobody keeps those of
# tests, and the pixels are the same.
Image.preinit()
save_png = Image.SAVE["PNG"]


def save_png_loosely(image, file, name):
    image.encoderinfo.setdefault("compress_level", 1)
    save_png(image, file, name)


Image.register_save("PNG", save_png_loosely)

gc.disable()  # until all is loaded
LIGHT = "resnet10-w16"


def pytest_collection_finish():
    """Half a million objects of the libraries stay: a sixth of the time went into looking whether they do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    gc.enable()


@pytest.fixture
def light():
    """There is a network of half the depth of a ResNet-18."""
    from tiny import shallow

    with shallow(LIGHT):
        yield


@pytest.fixture
def networks(light, saved_networks) -> dict[str, Path]:
    """Checkpoints with fresh weights: a pair of four-stage networks, and one with three stages."""
    return saved_networks


@pytest.fixture(scope="session")
def saved_networks(tmp_path_factory) -> dict[str, Path]:
    """The same, saved once."""
    from tiny import shallow

    with shallow(LIGHT):
        return save_networks(tmp_path_factory.mktemp("networks"))


def save_networks(folder: Path) -> dict[str, Path]:
    import torch

    from rgaviz import create_model, save_checkpoint
    from rgaviz.data.sets.outlines import SHAPE_CLASSES

    four = {"arch": LIGHT, "width": 4, "s1": 2, "s2": 2}
    made = {
        "baseline": {**four, "attention": "none"},
        "rga": {**four, "attention": "rga-sc", "attention_layers": ["conv4", "conv5"]},
        "three": {"arch": "resnet20", "attention": "rga-sc", "width": 4, "s1": 2, "s2": 2},
        "channel": {**four, "attention": "rga-c"},
    }
    for seed, (name, options) in enumerate(made.items()):
        torch.manual_seed(seed)
        model = create_model(**options, num_classes=10, image_size=(16, 16)).train()
        with torch.no_grad():
            model(torch.randn(16, 3, 16, 16))  # running statistics that have seen something
        save_checkpoint(
            folder / f"{name}.pt",
            model,
            classes=SHAPE_CLASSES,
            mean=(0.5, 0.4, 0.3),
            std=(0.2, 0.25, 0.3),
            metrics={"test_error": 12.5},
            training={"dataset": "shapes", "recipe": {"data": {"test_size": 20}}},
        )
    return {name: folder / f"{name}.pt" for name in made}


@pytest.fixture
def coarse(monkeypatch):
    """Figures have 50 dpi where nothing else is said, those of the demo show little, and few people are tested on."""
    from rgaviz.analysis import demo, demo_people
    from rgaviz.data.sets import people
    from rgaviz.figures.style import FigureOptions

    monkeypatch.setattr(people, "TEST_IDENTITIES", 20)
    monkeypatch.setattr(demo, "SHOWN", 2)
    monkeypatch.setattr(demo_people, "SHOWN", 2)

    drawn = FigureOptions.__init__
    values = [50 if each.name == "dpi" else each.default for each in fields(FigureOptions)]
    monkeypatch.setattr(drawn, "__defaults__", tuple(values))
    assert FigureOptions().dpi == 50
