"""``convert``, and the networks of other people wherever a checkpoint is asked for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from official_network import random_network
from pictures import files_below

from rgaviz import create_model, load_checkpoint
from rgaviz.analysis.inputs import split_inputs
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
SMALL = "torchvision:shufflenet_v2_x0_5"
GATED = "torchvision:mobilenet_v3_small"
UNTRAINED = "its weights are untrained: what it predicts means nothing."


@pytest.fixture
def bare(place):
    """``bare.pth``: weights of a ResNet-20 with three outputs, as a training script saves them."""
    torch.manual_seed(0)
    state = create_model("resnet20", num_classes=3).state_dict()
    torch.save({"model": {f"module.{key}": value for key, value in state.items()}, "epoch": 3}, "bare.pth")
    return state


def same(found, expected):
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


# convert


def test_a_bare_state_dict(rga, bare):
    Path("names.txt").write_text("cat\n dog \n\nhorse\n")
    result = rga("convert", "bare.pth", "-o", "new/own.pt", "--arch", "resnet20", "--classes", "names.txt")
    assert result.stdout.splitlines() == [
        "Recognised: bare state_dict of resnet20, bare.pth",
        "Network: resnet20, 269,267 parameters",
        "Images: 32x32, mean 0.485 0.456 0.406, std 0.229 0.224 0.225",
        "Classes: 3 (cat, dog, horse)",
        "Note: assumed, for the file does not say: images of 32x32 (--image-size); mean 0.485 0.456 0.406 (--mean); "
        "deviation 0.229 0.224 0.225 (--std).",
        "Checkpoint: new/own.pt",
    ]
    converted = load_checkpoint("new/own.pt")
    same(converted.model.state_dict(), bare)
    assert converted.classes == ["cat", "dog", "horse"]
    assert converted.training["converted"] == {
        "path": "bare.pth",
        "sha256": hashlib.sha256(Path("bare.pth").read_bytes()).hexdigest(),
        "origin": "bare state_dict of resnet20",
    }


def test_a_head_that_does_not_fit_is_noted(rga, bare):
    result = rga("convert", "bare.pth", "-o", "own.pt", "--arch", "resnet20", "--num-classes", "5")
    assert "Classes: 5 (class 0, class 1, class 2, ...)" in result.stdout
    differs = "fc.weight 3x64 instead of 5x64, fc.bias 3 instead of 5"
    note = f"its head does not fit ({differs}): what it predicts means nothing."
    assert f"Note: {note}" in result.stdout
    notes = load_checkpoint("own.pt").notes
    assert notes[0] == note
    rga("convert", "own.pt", "-o", "again.pt")
    assert load_checkpoint("again.pt").notes == notes
    assert rga("compare", "again.pt", "rga.pt", "img.jpg", *FAST).stderr.startswith(
        f"Note: again.pt: {note}\n"
    )
    checkpoints = read_results("rgaviz-compare").manifest.checkpoints
    assert [entry["notes"] for entry in checkpoints] == [list(notes), []]


def test_a_network_without_a_head(rga, bare):
    """Its outputs must not bear the names of ImageNet's classes."""
    torch.save({key: value for key, value in bare.items() if not key.startswith("fc.")}, "headless.pth")
    rga("convert", "headless.pth", "-o", "own.pt", "--arch", "resnet20")
    converted = load_checkpoint("own.pt")
    assert converted.notes[0] == "its head does not fit (fc.weight, fc.bias): what it predicts means nothing."
    assert converted.classes == [f"class {index}" for index in range(1000)]


def test_the_size_of_images(rga, bare):
    result = rga("convert", "bare.pth", "-o", "own.pt", "--arch", "resnet20", "--image-size", "48x64")
    assert "Images: 48x64, mean" in result.stdout
    converted = load_checkpoint("own.pt")
    assert converted.image_size == (48, 64)
    same(converted.model.state_dict(), bare)


def test_another_normalisation(rga, bare):
    words = ["bare.pth", "-o", "own.pt", "--arch", "resnet20"]
    result = rga("convert", *words, "--mean", "0.49,0.48,0.45", "--std", "0.2,0.2,0.25")
    assert "mean 0.49 0.48 0.45, std 0.2 0.2 0.25" in result.stdout
    converted = load_checkpoint("own.pt")
    assert (converted.mean, converted.std) == ((0.49, 0.48, 0.45), (0.2, 0.2, 0.25))
    rga("convert", *words, "--std", "1,1,1")
    assert load_checkpoint("own.pt").mean == load_checkpoint("bare.pth", "resnet20").mean


def test_a_network_of_a_library(answer):
    told = answer("convert", f"{SMALL}@none", "-o", "own.pt")
    assert told == {
        "source": f"{SMALL}@none",
        "origin": "torchvision network",
        "arch": SMALL,
        "attention": "none",
        "parameters": 1366792,
        "image_size": [224, 224],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "classes": 1000,
        "first_classes": ["tench", "goldfish", "great white shark"],
        "notes": [UNTRAINED],
        "file": "own.pt",
    }
    same(load_checkpoint("own.pt").model.state_dict(), load_checkpoint(f"{SMALL}@none").model.state_dict())
    assert load_checkpoint("own.pt").notes == (UNTRAINED,)


def test_a_tag_of_timm_names_weights_not_a_network(answer):
    pytest.importorskip("timm")
    torch.save(load_checkpoint("timm:test_resnet@none").model.state_dict(), "tagged.pth")
    tagged = "timm:test_resnet.r160_in1k"
    told = answer("convert", "tagged.pth", "-o", "own.pt", "--arch", tagged)
    assert told["arch"] == "timm:test_resnet"
    for arch in ("timm:test_resnet", tagged):
        assert answer("convert", "own.pt", "-o", "again.pt", "--arch", arch)["arch"] == "timm:test_resnet"


def test_the_authors_checkpoint(answer):
    torch.save({"state_dict": random_network("rgas", 5).state_dict()}, "official.pth.tar")
    told = answer("convert", "official.pth.tar", "-o", "rga.own.pt")
    assert told["origin"] == "checkpoint of the RGA authors' code"
    assert {load_checkpoint(name).task.name for name in ("official.pth.tar", "rga.own.pt")} == {"reid"}
    assert (told["arch"], told["attention"], told["image_size"]) == ("resnet50", "rga-s", [256, 128])
    assert told["classes"] == 5
    same(
        load_checkpoint("rga.own.pt").model.state_dict(),
        load_checkpoint("official.pth.tar").model.state_dict(),
    )
    # A network said for other files of the same command does not touch it.
    assert load_checkpoint("official.pth.tar", "resnet20").config["arch"] == "resnet50"


def test_a_checkpoint_of_ours_keeps_all(rga, place):
    rga("convert", "rga.pt", "-o", "own.pt")
    before, after = load_checkpoint("rga.pt"), load_checkpoint("own.pt")
    same(after.model.state_dict(), before.model.state_dict())
    for field in ("config", "classes", "mean", "std", "metrics", "seed", "history"):
        assert getattr(after, field) == getattr(before, field)
    assert after.training["dataset"] == "shapes"


def test_our_own_file_is_replaced(rga, bare):
    rga("convert", f"{SMALL}@none", "-o", "own.pt")
    rga("convert", "bare.pth", "-o", "own.pt", "--arch", "resnet20")
    assert load_checkpoint("own.pt").config["arch"] == "resnet20"


REFUSED = {
    "bare.pth -o bare.pth --arch resnet20": "bare.pth is the input",
    "bare.pth -o ./bare.pth --arch resnet20": "bare.pth is the input",
    "bare.pth -o pics --arch resnet20": "pics is a folder",
    "bare.pth -o img.jpg --arch resnet20": "img.jpg is there and was not written by rgaviz",
    "rga.pt -o bare.pth": "bare.pth is there and was not written by rgaviz",
    "bare.pth -o img.jpg/own.pt --arch resnet20": "img.jpg/own.pt",
    "bare.pth -o own.pt": "--arch",
    "bare.pth -o own.pt --arch resnet19": "bare.pth: Unknown arch 'resnet19'. Did you mean",
    "bare.pth -o own.pt --arch resnet56": "bare.pth: its weights do not fit resnet56: missing layer1.3.conv1.weight",
    "bare.pth -o own.pt --arch timm:resnet18.x": "bare.pth: Unknown weights of timm:resnet18 'x'",
    "bare.pth -o own.pt --arch torchvision:resnet19": "bare.pth: torchvision has no network 'resnet19'",
    "bare.pth -o own.pt --arch resnet20 --classes two.txt": "--classes two.txt has 2 names for 3 outputs",
    "bare.pth -o own.pt --arch resnet20 --classes no.txt": "--classes no.txt cannot be read (No such file",
    "bare.pth -o own.pt --arch resnet20 --classes img.jpg": "--classes img.jpg cannot be read (it is not UTF-8",
    "bare.pth -o own.pt --arch resnet20 --classes twice.txt": "--classes twice.txt has 'a' more than once; give every",
    "bare.pth -o own.pt --arch resnet20 --image-size 48x": "--image-size 48x is no size",
    "bare.pth -o own.pt --arch resnet20 --image-size 48x5000": "48x5000 are too large; give at most 4096",
    "rga.pt -o own.pt --image-size 48x64": "rga.pt takes images of 16x16; leave out --image-size",
    "rga.pt -o own.pt --arch resnet20": "rga.pt is a resnet10-w16; leave out --arch",
    "rga.pt -o own.pt --num-classes 3": "rga.pt has 10 outputs; leave out --num-classes",
    "rga.pt -o own.pt --mean=": "--mean  is not three numbers from 0 to 1",
    "rga.pt -o own.pt --mean 0.5": "--mean 0.5 is not three numbers from 0 to 1",
    "rga.pt -o own.pt --mean nan,0,0": "--mean nan,0,0 is not three numbers",
    "rga.pt -o own.pt --mean 123.7,116.3,103.5": "(those of 0 to 255 divided by 255)",
    "rga.pt -o own.pt --std 0.5,x,0.5": "--std 0.5,x,0.5 is not three numbers from 0.001 to 1",
    "rga.pt -o own.pt --std 0.5,0,0.5": "--std 0.5,0,0.5 is not three numbers",
    "rga.pt -o own.pt --std=-0.5,0.5,0.5": "--std -0.5,0.5,0.5 is not three numbers",
    **{
        f"bare.pth -o own{suffix} --arch resnet20": f"own{suffix} is no name for a checkpoint; choose one"
        for suffix in (".pdf", ".PNG", ".svg", ".jpg", ".webp", ".tiff", ".eps", ".safetensors")
    },
    "none.pth -o own.pt": "none.pth does not exist",
    "torchvision:resnet19@none -o own.pt": "torchvision has no network 'resnet19'",
}


@pytest.mark.parametrize("line", REFUSED)
def test_refusals(refused, bare, line):
    if "timm:" in line:
        pytest.importorskip("timm")
    Path("two.txt").write_text("a\nb\n")
    Path("twice.txt").write_text("a\nb\na\n")
    assert REFUSED[line] in refused("convert", *line.split())


# elsewhere


def test_sources_are_told_from_pictures(place):
    Path("timm:mine").write_text("")
    words = ["img.jpg", "torchvision:resnet50@none", "timm:resnet18", "timm:mine", "a.safetensors"]
    checkpoints, pictures = split_inputs(words)
    assert checkpoints == ["torchvision:resnet50@none", "timm:resnet18", "a.safetensors"]
    assert pictures == ["img.jpg", "timm:mine"]


def test_a_file_of_that_name_comes_first(rga, place):
    Path("rga.pt").rename("torchvision:resnet50")
    rga("masks", "torchvision:resnet50", "img.jpg", *FAST)
    (entry,) = read_results("rgaviz-masks").manifest.checkpoints
    assert entry["arch"] == "resnet10-w16"


def test_compare_takes_all_kinds(rga, bare):
    """The options for bare weights leave the others as they are."""
    words = [f"{SMALL}@none", "bare.pth", "rga.pt", "--arch", "resnet20", "--num-classes", "3"]
    result = rga("compare", *words, "img.jpg", *FAST)
    notes = [f"Note: {SMALL}@none: {UNTRAINED}", "Note: these networks were trained on different classes."]
    told = result.stderr.splitlines()
    assert [told[0], told[2]] == notes
    assert told[1].startswith("Note: bare.pth: assumed, for the file does not say: images of 32x32")
    results = read_results("rgaviz-compare")
    library, own, ours = results.manifest.checkpoints
    assert [entry["id"] for entry in (library, own, ours)] == ["shufflenet_v2_x0_5-untrained", "bare", "rga"]
    assert [entry["arch"] for entry in (library, own, ours)] == [SMALL, "resnet20", "resnet10-w16"]
    assert library["path"] == f"{SMALL}@none"
    assert library["sha256"] == load_checkpoint(f"{SMALL}@none").sha256
    assert own["sha256"] == hashlib.sha256(Path("bare.pth").read_bytes()).hexdigest()
    assert results.map("0", "bare", "gradcam").shape == (8, 8)
    assert results.map("0", "shufflenet_v2_x0_5-untrained", "gradcam").shape == (7, 7)


def test_masks_of_a_library(rga, place):
    rga("histogram", f"{GATED}@none", "pics", *FAST)
    results = read_results("rgaviz-histogram")
    (panel,) = [each for each in results.manifest.rows[0] if each.kind == "bars"]
    values = results.map("0", "mobilenet_v3_small-untrained", panel.map.name)
    assert values.ndim == 1
    assert np.all((values >= 0) & (values <= 1))


def test_notes_are_told(rga, bare):
    result = rga("cam", "bare.pth", "img.jpg", "--arch", "resnet20", "--num-classes", "4", *FAST)
    assert result.stderr.startswith("Note: bare.pth: its head does not fit (fc.weight 3x64 instead of 4x64")


LINES = {
    "cam bare.pth img.jpg": "bare.pth is a bare state_dict",
    "compare bare.pth img.jpg": "bare.pth is a bare state_dict",
    "masks bare.pth img.jpg --arch resnet20": "bare.pth has no attention",
    "masks torchvision:resnet19 img.jpg": "torchvision has no network 'resnet19'",
    "evaluate bare.pth": "--arch",
    "evaluate bare.pth --arch resnet20": "bare.pth does not say what it was trained on",
    "evaluate bare.pth --arch resnet20 --dataset folder --data-dir pics": "bare.pth was trained on class 0, class 1",
    f"evaluate {SMALL}@none --dataset folder --data-dir pics": f"but {SMALL}@none was trained on tench",
}


@pytest.mark.parametrize("line", LINES)
def test_refusals_elsewhere(refused, bare, line):
    assert LINES[line] in refused(*line.split(), *FAST)


def test_evaluate_a_converted_network(rga, answer, bare, place, monkeypatch):
    """With its classes named, other people's network is measured as ours are."""
    from rgaviz.data.sets import shapes
    from rgaviz.data.sets.outlines import SHAPE_CLASSES

    monkeypatch.setattr(shapes, "TEST_SIZE", 40)

    Path("names.txt").write_text("\n".join(SHAPE_CLASSES))
    words = ("--arch", "resnet20", "--num-classes", "10", "--classes", "names.txt")
    rga("convert", "bare.pth", "-o", "own.pt", *words)
    (measured,) = answer("evaluate", "own.pt", "--dataset", "shapes", "--dpi", "50")
    assert measured["checkpoint"] == "own.pt"
    assert json.dumps(measured["class_error"])
    assert "own-confusion.csv" in "".join(files_below(Path("rgaviz-evaluate")))
