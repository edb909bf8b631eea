"""Bad input: one line that names the file or option and a next step, and nothing half-written."""

from __future__ import annotations

import os
import pickle
import re
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import files_below
from PIL import Image

FAST = ("--format", "png", "--dpi", "50")


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def damage(change):
    def make(path):
        document = torch.load("rga.pt", weights_only=True)
        change(document)
        torch.save(document, path)

    return make


CHECKPOINTS = {
    "missing": (lambda path: None, "does not exist"),
    "empty": (lambda path: path.touch(), "is empty"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "truncated": (lambda path: path.write_bytes(Path("rga.pt").read_bytes()[:9000]), "damaged"),
    "text": (lambda path: path.write_text("hello"), "not a checkpoint"),
    "not ours": (lambda path: torch.save({"epoch": 3}, path), "not an rgaviz checkpoint"),
    "state_dict": (lambda path: torch.save({"fc.weight": torch.zeros(2, 2)}, path), "bare state_dict"),
    "newer": (damage(lambda d: d.update(format=99)), "Upgrade rgaviz"),
    "shape": (damage(lambda d: d["model"].update({"fc.weight": torch.zeros(3, 3)})), "do not fit"),
    "nan": (damage(lambda d: d["model"]["fc.weight"].fill_(float("nan"))), "NaN"),
    "arch": (damage(lambda d: d["config"].update(arch="resnet19")), "Did you mean"),
    "attention": (damage(lambda d: d["config"].update(attention="rga-xx")), "Unknown attention 'rga-xx'"),
    "code": (lambda path: torch.save(Bomb(), path), "would run code"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Bomb())), "not a checkpoint"),
}


@pytest.mark.parametrize("fault", CHECKPOINTS)
def test_checkpoints(refused, fault):
    make, words = CHECKPOINTS[fault]
    make(Path("bad.pt"))
    line = refused("compare", "baseline.pt", "bad.pt", "img.jpg", *FAST)
    assert line.startswith("bad.pt")
    assert words in line
    assert line.endswith(".") or re.search(r"rgaviz \w+|-o", line)


def bomb(path):
    Image.new("1", (12000, 12000)).save(path)


PICTURES = {
    "missing": (lambda path: None, "does not exist"),
    "empty": (lambda path: path.touch(), "is empty"),
    "text": (lambda path: path.write_text("hello"), "not a picture"),
    "truncated": (lambda path: path.write_bytes(Path("pics/ring/a.png").read_bytes()[:200]), "damaged"),
    "huge": (bomb, "million pixels"),
    "float": (
        lambda path: Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(path, format="TIFF"),
        "floating",
    ),
    "no pictures": (lambda path: path.mkdir(), "holds no pictures"),
}


@pytest.mark.parametrize("fault", PICTURES)
def test_pictures(refused, fault):
    make, words = PICTURES[fault]
    make(Path("bad.png"))
    line = refused("masks", "rga.pt", "bad.png", *FAST)
    assert "'bad.png'" in line
    assert words in line


def test_a_pattern_without_a_match(refused):
    assert "'pics/*.gif' matches no pictures" in refused("masks", "rga.pt", "pics/*.gif")


OPTIONS = {
    "masks rga.pt img.jpg --format gif": "figure format 'gif'",
    "masks rga.pt img.jpg --format ,": "--format is empty",
    "masks rga.pt img.jpg --venue cpvr": "'cvpr'",
    "masks rga.pt img.jpg --cmap trubo": "'turbo'",
    "masks rga.pt img.jpg --scale share": "'shared'",
    "masks rga.pt img.jpg --scale fixed:1,0": "--scale fixed:1,0",
    "masks rga.pt img.jpg --width wide": "--width wide",
    "masks rga.pt img.jpg --dpi 10": "--dpi 10",
    "masks rga.pt img.jpg --alpha 2": "--alpha 2",
    "masks rga.pt img.jpg --device tpu": "device 'tpu'",
    "masks rga.pt img.jpg -o img.jpg/out": "img.jpg/out",
    "cam rga.pt img.jpg --method gradcan": "'gradcam'",
    "cam rga.pt img.jpg --quantile 0.5": "add --boxes",
    "cam rga.pt img.jpg --contrast dog": "about two classes, not 1",
    "cam rga.pt img.jpg --contrast dog,cat --target dog": "leave out --target",
    "cam rga.pt img.jpg --smooth flp": "'flip'",
    "masks rga.pt img.jpg --jpeg 101": "--jpeg 101",
    "masks rga.pt img.jpg --window 2,1": "--window 2,1",
    "masks rga.pt img.jpg --captions shrot": "'short'",
    "compare rga.pt baseline.pt img.jpg --names A,A": "calls two networks alike",
    "compare rga.pt baseline.pt img.jpg --method gradcan": "'gradcam'",
    "compare rga.pt img.jpg": "needs 2 checkpoints",
    "evaluate rga.pt --format gif": "figure format 'gif'",
    "evaluate rga.pt --device tpu": "device 'tpu'",
}


COUNTED = "compare rga.pt img.jpg"  # a wrong checkpoint is the more likely mistake than too few


@pytest.mark.parametrize("line", OPTIONS)
def test_options_are_refused_before_a_network_is_loaded(refused, line):
    for name in ("rga.pt", "baseline.pt") if line != COUNTED else ():
        Path(name).unlink()
        Path(name).write_bytes(b"loading this would tell something else")
    assert OPTIONS[line] in refused(*line.split())


NAMES = {
    "masks rga.pt img.jpg --layer conv55": "rga.pt: Unknown layer 'conv55'. Did you mean 'conv5'?",
    "masks rga.pt img.jpg --layer conv3": "rga.pt: Unknown layer with attention 'conv3'",
    "masks baseline.pt img.jpg": "baseline.pt has no attention",
    "masks baseline.pt rga.pt img.jpg": "baseline.pt has no attention",
    "histogram baseline.pt img.jpg": "baseline.pt has no attention",
    "cam rga.pt img.jpg --layer layer9": "rga.pt: Unknown layer 'layer9'",
    "cam rga.pt img.jpg --layer fc": "rga.pt: The layer to explain",
    "cam rga.pt img.jpg --target dog": "target class 'dog'",
    "cam rga.pt img.jpg --target 10": "target class '10'",
    "cam rga.pt img.jpg --target ²": "target class '²'",  # a digit, but no number
    "compare rga.pt three.pt img.jpg --layer conv5": "three.pt: Unknown layer 'conv5'",
    "compare rga.pt baseline.pt img.jpg --mask-layer conv9": "rga.pt: Unknown layer 'conv9'",
    "compare baseline.pt baseline.pt img.jpg --mask-layer conv5": "--mask-layer conv5: none of these",
    "compare rga.pt baseline.pt img.jpg pics/ring/a.png --label ring,ring,ring": "--label has 3 labels for 2",
    "compare rga.pt baseline.pt img.jpg --label dog": "label 'dog'",
    "evaluate rga.pt --dataset imagenet": "data set 'imagenet'",
    "evaluate rga.pt --dataset folder --data-dir nowhere": "--data-dir",
    "evaluate missing.pt": "missing.pt does not exist",
    "train shape": "'shapes'",
    "train shapes --attention rga-cx": "attention 'rga-cx'",
    "train shapes --recipe shappes": "recipe 'shappes'",
    "train shapes --recipe my.toml": "my.toml does not exist",
    "train shapes --set train.leraning_rate=1": "leraning_rate",
    "train shapes --set lr": "--set lr",
    "train shapes --set model.arch=resnet19": "'resnet18'",
    "train shapes --device tpu": "device 'tpu'",
    "train shapes --data-dir pics": "shapes is generated and reads no folder; leave out --data-dir",
    "train folder": "--data-dir",
    "list recipe": "'recipes'",
    "recipe cifar": "recipe 'cifar'",
    "redraw pics": "No results in pics",
    "redraw nowhere": "No folder nowhere",
    "demo -o img.jpg": "img.jpg",
    "demo --device tpu": "device 'tpu'",
}


@pytest.mark.parametrize("line", NAMES)
def test_names(refused, line):
    assert NAMES[line] in refused(
        *line.split(), *(FAST if line.split()[0] in ("masks", "cam", "compare") else ())
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="has the device")
@pytest.mark.parametrize("line", ["masks rga.pt img.jpg", "evaluate rga.pt", "train shapes", "demo"])
def test_cuda_without_one(refused, line):
    expected = "This machine has no cuda device. Use --device auto or --device cpu."
    assert refused(*line.split(), "--device", "cuda") == expected


@pytest.mark.parametrize(
    "line", ["masks --dpi many", "masks --wrong", "evaluate", "train shapes --epochs 0", "redraw", "paint"]
)
def test_what_cannot_be_parsed(rga, place, line):
    before = files_below(place)
    result = rga(*line.split(), code=2)
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.stderr
    assert files_below(place) == before


def test_a_full_disk(refused, monkeypatch):
    """Wherever it runs full, earlier results stay."""
    from rgaviz.results import writer as results

    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    for module, name in ((results.np.lib.format, "write_array"), (results.Path, "write_bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            line = refused("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
            assert line == "Cannot write out: No space left on device. Choose another place with -o."


def test_a_really_full_disk(refused):
    """The system itself refuses large files."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        line = refused("masks", "rga.pt", "pics", "-o", "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert line == "Cannot write out: File too large. Choose another place with -o."


def test_debug_shows_the_traceback(rga, monkeypatch):
    from rgaviz.errors import UnknownNameError

    monkeypatch.setenv("RGAVIZ_DEBUG", "1")
    with pytest.raises(UnknownNameError):
        rga("recipe", "cifar")


def test_ctrl_c(rga, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "load", stop)
    assert "Traceback" not in rga("masks", "rga.pt", "img.jpg", code=130).output


def test_a_folder_with_the_figures_name(refused, place):
    Path("fig.png").mkdir()
    assert refused("masks", "rga.pt", "img.jpg", "-o", "fig.png") == (
        "Cannot write fig.png: it is a folder. Choose another name with -o."
    )
    assert not Path("fig").exists()


def test_a_figure_is_never_drawn_over_an_input(refused, place):
    Image.new("RGB", (20, 20)).save("x.png")
    assert "is an input" in refused("masks", "rga.pt", "x.png", "-o", "x.png", *FAST)


def test_a_table_that_the_user_did_not_name_is_not_replaced(rga, place):
    Path("data.csv").write_text("my,own\n")
    rga("histogram", "rga.pt", "img.jpg", "-o", "data.png", "--dpi", "50", code=1)
    rga("evaluate", "rga.pt", "-o", "data.png", "--dpi", "50", code=1)
    assert Path("data.csv").read_text() == "my,own\n"
    assert not Path("data.png").exists()


def test_a_figure_has_a_format_that_figures_have(refused):
    assert ".jpg" in refused("masks", "rga.pt", "img.jpg", "-o", "fig.jpg")


def test_a_wrong_checkpoint_is_named_before_they_are_counted(refused):
    assert "nope.pt" in refused("compare", "nope.pt", "img.jpg")


def test_networks_of_different_classes_are_noted(rga, place):
    document = torch.load("rga.pt", weights_only=True)
    document["classes"] = [f"c{index}" for index in range(10)]
    torch.save(document, "other.pt")
    assert "different classes" in rga("compare", "baseline.pt", "other.pt", "img.jpg", *FAST).stderr


def test_the_newest_network_under_runs_is_one_of_ours(rga, place):
    Path("runs/yolo").mkdir(parents=True)
    torch.save({"epoch": 3}, "runs/yolo/best.pt")
    Path("runs/mine").mkdir()
    Path("runs/mine/net.pt").write_bytes(Path("rga.pt").read_bytes())
    os.utime("runs/mine/net.pt", (1, 1))
    assert str(Path("runs/mine/net.pt")) in rga("masks", "img.jpg", *FAST).stderr
