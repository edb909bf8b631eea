"""What a caller in Python may get wrong is taken for what it must mean, or refused in one line."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_checkpoint import network, save

import rgaviz
from rgaviz.analysis import cam, compare, evaluate, histogram, masks, redraw
from rgaviz.errors import LONGEST, RgavizError
from rgaviz.results.reader import read_results
from rgaviz.training.config import Recipe

FAST = {"device": "cpu", "figure": {"formats": ["png"], "dpi": 50}}
TINY = Recipe().changed(model=Recipe().model.changed(attention=("none",)))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder: a network and a picture."""
    monkeypatch.chdir(tmp_path)
    save(Path("rga.pt"), network())
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save("img.png")
    return tmp_path


def test_one_name_stands_for_itself(place):
    one = cam.cam("rga.pt", Path("img.png"), "one", methods="gradcam", labels="cat", **FAST)
    several = cam.cam([Path("rga.pt")], ["img.png"], "several", methods=["gradcam"], labels=["cat"], **FAST)
    assert one.told == several.told
    assert list(one.told) == ["img.png"]
    masks.masks(Path("rga.pt"), "img.png", "masks", **{**FAST, "figure": {"formats": "png", "dpi": 50}})
    assert Path("masks/masks.png").is_file()


def test_methods_as_typed(place):
    cam.cam("rga.pt", "img.png", "cam", methods="gradcam,layercam", **FAST)
    assert [title.split()[1] for title in read_results("cam").manifest.titles[1:]] == ["Grad-CAM", "LayerCAM"]
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    expected = rgaviz.cam(checkpoint, "img.png", methods=["layercam"])["layercam"]
    np.testing.assert_array_equal(rgaviz.cam(checkpoint, "img.png", methods="layercam")["layercam"], expected)


def test_a_number_is_both_sides(place):
    assert rgaviz.create_model("resnet20", image_size=32).config["image_size"] == [32, 32]
    torch.save(rgaviz.create_model("resnet20").state_dict(), "bare.pth")
    assert rgaviz.load_checkpoint("bare.pth", "resnet20", image_size=48).image_size == (48, 48)


def picture(*shape, dtype=np.uint8):
    return np.zeros(shape, dtype)


WRONG = {
    "one network to compare": (lambda _: compare.compare("rga.pt", "img.png"), "needs 2 checkpoints"),
    "a number for a name": (lambda _: masks.masks(3, "img.png"), "Checkpoints are a list, or one alone"),
    "a list of numbers": (lambda _: masks.masks([3], "img.png"), "type int is none; give 'rga.pt'"),
    "no pictures": (
        lambda _: histogram.histogram("rga.pt", None),
        "Pictures are a list, or one alone, not None",
    ),
    "an array that is no picture": (
        lambda _: masks.masks("rga.pt", [picture(3, 3, 4)]),
        "is RGB, (H, W, 3) uint8",
    ),
    "bytes": (lambda _: masks.masks(b"rga.pt", "img.png"), "not a value of type bytes"),
    "a number for a network": (lambda _: evaluate.evaluate([3]), "type int is none"),
    "a list of targets": (
        lambda _: cam.cam("rga.pt", "img.png", target=["horse"]),
        "A target is one text",
    ),
    "a number as target": (
        lambda _: compare.compare(["rga.pt"] * 2, "img.png", target=3),
        "A target is one text",
    ),
    "unknown classes": (lambda c: rgaviz.cam(c, "img.png", targets=["hose"]), "Unknown target class"),
    "a class of a module": (
        lambda c: rgaviz.cam(c.model, torch.zeros(1, 3, 16, 16), targets="horse"),
        "A target is whole",
    ),
    "methods that are none": (
        lambda _: cam.cam("rga.pt", "img.png", methods=[3]),
        "Methods are names, or paths",
    ),
    "no methods": (
        lambda c: rgaviz.cam(c, "img.png", methods=None),
        "Methods are a list, or one alone, not None",
    ),
    "an unknown method": (lambda c: rgaviz.cam(c, "img.png", methods="gradcamm"), "Did you mean 'gradcam'"),
    "layers in a list": (lambda c: rgaviz.masks(c, "img.png", ["conv5"]), "with commas: 'conv5'"),
    "a number as layer": (
        lambda c: rgaviz.cam(c, "img.png", 5),
        "A layer is a name, not a value of type int",
    ),
    "a name for a network": (lambda _: rgaviz.masks("rga.pt", "img.png"), "rgaviz.load_checkpoint"),
    "labels that are none": (lambda _: cam.cam("rga.pt", "img.png", labels=[3]), "Labels are names"),
    "an option there is not": (
        lambda _: masks.masks("rga.pt", "img.png", figure={"dpii": 3}),
        "Did you mean 'dpi'",
    ),
    "an option of another kind": (
        lambda _: masks.masks("rga.pt", "img.png", figure={"dpi": "a"}),
        "dpi cannot be 'a'",
    ),
    "a width of another kind": (
        lambda _: masks.masks("rga.pt", "img.png", figure={"width": None}),
        "give one like",
    ),
    "options that are none": (lambda _: masks.masks("rga.pt", "img.png", figure="png"), "{'dpi': 300}"),
    "formats that are none": (
        lambda _: masks.masks("rga.pt", "img.png", figure={"formats": 3}),
        "Formats of a figure",
    ),
    "redraw": (lambda _: redraw.redraw("r", figure={"dpi": []}), "No folder r"),
    "a side too many": (
        lambda _: rgaviz.create_model("resnet20", image_size=(3, 32, 32)),
        "is two whole numbers",
    ),
    "a size as text": (lambda _: rgaviz.create_model("resnet20", image_size="32x32"), "is two whole numbers"),
    "half a pixel": (
        lambda _: rgaviz.create_model("resnet20", image_size=(32.5, 32)),
        "is two whole numbers",
    ),
    "a size of a file": (lambda _: rgaviz.load_checkpoint("rga.pt", image_size="a"), "is two whole numbers"),
    "a number as network": (lambda _: rgaviz.create_model(5), "Unknown arch 5"),
    "a list as attention": (
        lambda _: rgaviz.create_model("resnet20", ["rga-s"]),
        "Unknown attention ['rga-s']",
    ),
    "grey": (lambda c: c.predict(picture(20, 30)), "RGB, (H, W, 3) uint8, not (20, 30) uint8"),
    "a batch of grey": (lambda c: c.predict([picture(20, 30)]), "RGB, (H, W, 3) uint8, not (20, 30) uint8"),
    "transparency": (lambda c: c.predict(picture(20, 30, 4)), "not (20, 30, 4) uint8"),
    "floating point": (lambda c: c.predict(picture(20, 30, 3, dtype=np.float32)), "not (20, 30, 3) float32"),
    "no pixels": (lambda c: c.predict(picture(0, 30, 3)), "not (0, 30, 3) uint8"),
    "nothing": (lambda c: c.predict(None), "A picture is a path or an array, not None"),
    "a number": (lambda c: c.predict(3), "not a value of type int"),
    "a list of none": (lambda c: c.predict([None]), "not None"),
    "no pictures at all": (lambda c: c.predict([]), "No images given"),
    "an empty batch": (lambda c: c.predict(torch.zeros(0, 3, *c.image_size)), "No images given"),
    "a batch of whole numbers": (
        lambda c: c.predict(torch.zeros(1, 3, 9, 9, dtype=torch.uint8)),
        "floating point",
    ),
    "one number": (lambda c: c.predict(torch.tensor(1.0)), "floating point"),
    "a recipe of nothing": (lambda _: rgaviz.train("shapes", {}), "not a value of type dict; give 'shapes'"),
    "a seed of letters": (
        lambda _: rgaviz.train("shapes", TINY, seed="a"),
        "seed ['a'] are not whole numbers",
    ),
    "a data set of nothing": (lambda _: rgaviz.train(None), "Unknown data set None"),
    "a folder for what has none": (
        lambda _: rgaviz.train("shapes", TINY, data_dir="x"),
        "leave out --data-dir",
    ),
    "seeds of letters": (lambda _: rgaviz.sweep("shapes", seeds=["a"]), "seeds ['a'] are not whole numbers"),
    "a seed alone": (lambda _: rgaviz.sweep("shapes", seeds=3), "seeds 3 are not whole numbers"),
    "no seeds": (lambda _: rgaviz.sweep("shapes", seeds=[]), "seeds [] are not whole numbers"),
    "a seed twice": (lambda _: rgaviz.sweep("shapes", seeds=[1, 0, 0]), "seeds name 0 twice"),
    "no recipes": (lambda _: rgaviz.sweep(None), "Recipes are a list, or one alone, not None"),
    "recipes of nothing": (lambda _: rgaviz.sweep({"a": {}}), "A recipe is a name, a .toml file or settings"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_in_one_line(place, name):
    wrong, told = WRONG[name]
    before = sorted(place.rglob("*"))
    checkpoint = rgaviz.load_checkpoint("rga.pt") if "c" in inspect.signature(wrong).parameters else None
    with pytest.raises(RgavizError) as caught:
        wrong(checkpoint)
    message = str(caught.value)
    assert told in message
    assert message.isprintable()
    assert len(message) <= LONGEST
    assert sorted(place.rglob("*")) == before


def test_one_recipe_of_a_sweep_is_a_name(place, monkeypatch):
    trained = []
    monkeypatch.setattr(
        "rgaviz.analysis.train.train", lambda dataset, *rest, **more: trained.append((dataset, more)) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        rgaviz.sweep("shapes", data_dir="x")
    ((dataset, more),) = trained
    assert (dataset, more["data_dir"], more["seed"]) == ("shapes", None, 0)  # generated: no folder is its own
