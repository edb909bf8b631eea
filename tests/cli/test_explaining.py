"""``masks``, ``cam``, ``compare`` and ``histogram``: what they write, and where."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pictures import files_below, save_picture

import rgaviz
from rgaviz.analysis.loading import BATCH
from rgaviz.data.pictures import read_picture
from rgaviz.explain.methods import METHODS
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
PAIR = ("baseline.pt", "rga.pt")


def titles(folder):
    return read_results(folder).manifest.titles


def panels(folder, row=0):
    return read_results(folder).manifest.rows[row]


def test_masks_of_a_folder(rga):
    result = rga("masks", "rga.pt", "pics", "--layer", "all", *FAST)
    assert sorted(files_below(Path("rgaviz-masks"))) == [
        "manifest.json",
        "maps.npz",
        "masks.png",
        *(f"overlays/{p}-rga-conv{n}-spatial.png" for p in ("other/c", "ring/a", "square/b") for n in (4, 5)),
        *(f"pictures/{n}.png" for n in range(3)),
    ]
    assert result.stdout.splitlines() == [
        "Figure: rgaviz-masks/masks.png",
        "Overlays: 6 in rgaviz-masks/overlays",
        "Numbers: rgaviz-masks (draw again with: rgaviz redraw rgaviz-masks)",
    ]
    assert result.stderr == ""
    names = ["rga mask (conv4)", "rga channels (conv4)", "rga mask (conv5)", "rga channels (conv5)"]
    assert sorted(titles("rgaviz-masks")) == sorted(["input", *names])
    shown = cv2.imread("rgaviz-masks/overlays/square/b-rga-conv5-spatial.png")
    assert shown.shape == (30, 90, 3)  # at the picture's own aspect ratio


def test_numbers_equal_the_python_functions(rga):
    rga(
        "compare",
        *PAIR,
        "pics",
        "--layer",
        "layer4",
        "--mask-layer",
        "conv4",
        "--method",
        "gradcam,layercam",
        *FAST,
    )
    results = read_results("rgaviz-compare")
    paths = [Path("pics") / entry.path for entry in results.manifest.pictures]
    assert [path.as_posix() for path in paths] == ["pics/other/c.png", "pics/ring/a.png", "pics/square/b.png"]
    for name in ("baseline", "rga"):
        checkpoint = rgaviz.load_checkpoint(f"{name}.pt")
        maps = rgaviz.cam(checkpoint, paths, layer="layer4", methods=("gradcam", "layercam"))
        if name == "rga":
            maps |= {
                k: v for k, v in rgaviz.masks(checkpoint, paths, layer="conv4").items() if "spatial" in k
            }
        told = checkpoint.predict(paths)
        for row, path in enumerate(paths):
            np.testing.assert_array_equal(results.picture(str(row)), read_picture(path))
            for key, values in maps.items():
                np.testing.assert_allclose(results.map(str(row), name, key), values[row], atol=1e-6)
        for row, entry in enumerate(results.manifest.pictures):
            for panel in results.manifest.rows[row][1:]:
                assert panel.picture == entry.id
                if panel.map.checkpoint == name:
                    values = panel.values
                    assert values["label"] == told[row].label
                    assert values["confidence"] == pytest.approx(told[row].confidence, abs=1e-5)
                    assert values["target"] == (told[row].label if panel.map.group == "cam" else None)
                    correct = None if entry.label is None else told[row].label == entry.label
                    assert values["correct"] == correct
                    said = f"{told[row].label} {100 * told[row].confidence:.0f}%"
                    role = {None: "plain", True: "right", False: "wrong"}[correct]
                    assert (panel.lines[0].text, panel.lines[0].role) == (said, role)
    assert [entry.label for entry in results.manifest.pictures] == [None, "ring", "square"]
    first = [[line.text for line in row[0].lines] for row in results.manifest.rows]
    assert first == [["other/c.png"], ["ring/a.png", "label: ring"], ["square/b.png", "label: square"]]


def test_manifest(rga):
    rga("compare", *PAIR, "img.jpg", "--diff", "--scale", "shared", *FAST)
    manifest = json.loads(Path("rgaviz-compare/manifest.json").read_text())
    assert manifest["schema"] == 2
    assert manifest["command"] == "compare"
    words = "baseline.pt rga.pt img.jpg --diff --scale shared --format png --dpi 50"
    assert manifest["command_line"] == f"rgaviz compare {words}"
    assert manifest["seed"] == 0
    assert manifest["versions"]["rgaviz"] == rgaviz.__version__
    assert manifest["target"] == "top1"
    assert manifest["files"] == ["compare.png", "maps.npz", "pictures/0.png"]
    ids = {
        "id",
        "path",
        "sha256",
        "arch",
        "attention",
        "image_size",
        "cam_layer",
        "cam_place",
        "mask_layers",
        "dataset",
        "error",
        "notes",
    }
    baseline, ours = manifest["checkpoints"]
    assert set(baseline) == set(ours) == ids
    assert (ours["id"], ours["attention"]) == ("rga", "rga-sc")
    assert (ours["cam_layer"], ours["mask_layers"]) == ("conv5", ["conv5"])
    assert (baseline["mask_layers"], baseline["image_size"], baseline["error"]) == ([], [16, 16], 12.5)
    assert ours["sha256"] == rgaviz.load_checkpoint("rga.pt").sha256
    assert manifest["figure"]["scale"] == dict.fromkeys(("cam", "mask", "signed", "relation"), "shared")
    assert manifest["figure"]["formats"] == ["png"]
    (row,) = manifest["rows"]
    assert [panel["kind"] for panel in row] == ["picture", "map", "map", "difference", "map"]
    assert len(manifest["titles"]) == 5
    assert row[3]["map"] == {"checkpoint": "rga", "name": "gradcam", "group": "cam"}
    assert row[3]["minus"] == {"checkpoint": "baseline", "name": "gradcam", "group": "cam"}
    assert row[4]["map"] == {"checkpoint": "rga", "name": "conv5/spatial", "group": "mask"}
    picture = manifest["pictures"][0]
    assert (picture["id"], picture["path"], picture["size"], picture["label"]) == (
        "0",
        "img.jpg",
        [40, 60],
        None,
    )


def test_each_scale_is_recorded_and_drawn(rga):
    drawn = set()
    for scale in ("shared", "model", "image", "fixed:0,0.5"):
        rga("compare", *PAIR, "img.jpg", "--scale", scale, *FAST)
        figure = json.loads(Path("rgaviz-compare/manifest.json").read_text())["figure"]
        assert figure["scale"] == dict.fromkeys(("cam", "mask", "signed", "relation"), scale)
        drawn.add(Path("rgaviz-compare/compare.png").read_bytes())
    assert len(drawn) == 4


def test_labels(rga):
    """One for all, one each, or the folder's name where it is a class."""
    for words, expected in (
        (["--label", "gear"], None),
        (["--label", "star"], ["star"] * 3),
        (["--label", "ring, star,cross"], ["ring", "star", "cross"]),
        ([], [None, "ring", "square"]),
    ):
        if expected is None:
            assert "Unknown label 'gear'" in rga("compare", *PAIR, "pics", *words, code=1).stderr
            continue
        rga("compare", *PAIR, "pics", *words, *FAST)
        assert [each.label for each in read_results("rgaviz-compare").manifest.pictures] == expected


def test_networks_with_three_and_four_stages_side_by_side(rga):
    rga("compare", "baseline.pt", "three.pt", "rga.pt", "img.jpg", *FAST)
    assert titles("rgaviz-compare") == [
        "input",
        "baseline Grad-CAM (conv5)",
        "three Grad-CAM (conv4)",
        "rga Grad-CAM (conv5)",
        "three mask (conv2)",
        "rga mask (conv5)",
    ]


def test_cam_of_a_class_by_name_and_by_number(rga):
    for target in ("square", "2"):
        rga("cam", "rga.pt", "img.jpg", "--target", target, *FAST)
        assert panels("rgaviz-cam")[1].values["target"] == "square"
        direct = rgaviz.cam(rgaviz.load_checkpoint("rga.pt"), ["img.jpg"], targets=[2])["gradcam"]
        np.testing.assert_allclose(
            read_results("rgaviz-cam").map("0", "rga", "gradcam"), direct[0], atol=1e-6
        )


def test_every_method_and_the_five_most_probable_classes(rga):
    """More columns than fit side by side break into lines."""
    rga("cam", "rga.pt", "img.jpg", "--method", "all", *FAST)
    assert [panel.map.name for panel in panels("rgaviz-cam")[1:]] == list(METHODS)
    assert len(files_below(Path("rgaviz-cam/overlays"))) == len(METHODS)
    rga("cam", "rga.pt", "baseline.pt", "img.jpg", "--method", "gradcam,layercam", "--target", "top5", *FAST)
    results = read_results("rgaviz-cam")
    assert len(results.manifest.titles) == len(results.manifest.rows[0]) == 21
    logits = rgaviz.load_checkpoint("rga.pt")
    order = logits.model(logits.inputs(["img.jpg"])).topk(5).indices[0].tolist()
    assert [panel.values["target"] for panel in panels("rgaviz-cam")[1:6]] == [
        logits.classes[i] for i in order
    ]
    direct = rgaviz.cam(logits, ["img.jpg"], methods=["layercam"], targets=[order[3]])["layercam"]
    np.testing.assert_allclose(results.map("0", "rga", "layercam/top4"), direct[0], atol=1e-6)


def test_histogram(rga):
    rga("histogram", "rga.pt", "channel.pt", "three.pt", "pics", *FAST)
    rows = list(csv.DictReader(Path("rgaviz-histogram/histogram.csv").read_text().splitlines()))
    counts = Counter(row["label"] for row in rows)
    assert counts == {"rga conv5": 32, "channel conv5": 32, "three conv2": 4}
    masks = rgaviz.masks(rgaviz.load_checkpoint("rga.pt"), sorted(Path("pics").rglob("*.png")), "conv5")
    means = [float(row["mean"]) for row in rows if row["label"] == "rga conv5"]
    np.testing.assert_allclose(means, masks["conv5/channel"].mean(0), atol=1e-5)
    assert Path("rgaviz-histogram/histogram.png").stat().st_size > 1000


@pytest.mark.parametrize("command", ["masks", "cam", "compare", "histogram"])
def test_json(answer, command):
    told = answer(command, *PAIR[command != "compare" :], "pics", *FAST)
    assert set(told) == {"results", "files", "predictions", "failures"}
    assert told["results"] == f"rgaviz-{command}"
    assert all(Path(path).is_file() for path in told["files"])
    assert set(told["predictions"]) == {"other/c.png", "ring/a.png", "square/b.png"}
    assert told["failures"] == []
    label, index, confidence = rgaviz.load_checkpoint("rga.pt").predict(["pics/ring/a.png"])[0]
    said = told["predictions"]["ring/a.png"]["rga"]
    assert (said["label"], said["index"]) == (label, index)
    assert said["confidence"] == pytest.approx(confidence, abs=1e-5)


def test_more_pictures_than_a_batch(rga):
    """The same numbers whatever the batch, the second of which has no picture that can be read."""
    names = [f"{number:02}.png" for number in range(2 * BATCH + 3)]
    for number, name in enumerate(names):
        save_picture(Path("many", name), (8, 8), number)
    for name in names[BATCH : 2 * BATCH]:
        Path("many", name).write_bytes(b"broken")
    rga("cam", "rga.pt", "many", "-o", "all", "--pages", "1", *FAST, code=1)
    few = [*names[1:3], *names[-3:]]
    rga("cam", "rga.pt", *(f"many/{name}" for name in few), "-o", "few", *FAST)
    whole, part = read_results("all"), read_results("few")
    assert [entry.path for entry in whole.manifest.pictures] == [*names[:BATCH], *names[-3:]]
    ids = {entry.path: entry.id for entry in whole.manifest.pictures}
    for entry in part.manifest.pictures:
        one, other = part.map(entry.id, "rga", "gradcam"), whole.map(ids[entry.path], "rga", "gradcam")
        np.testing.assert_allclose(one, other, atol=1e-6)


def predicting(name, label):
    """A copy of the network that is sure of one class."""
    document = torch.load("rga.pt", weights_only=True)
    document["model"]["fc.bias"][document["classes"].index(label)] += 100
    torch.save(document, name)


def test_differences_of_maps_about_different_classes_are_noted(rga, place):
    predicting("one.pt", "ring")
    predicting("alike.pt", "ring")
    predicting("other.pt", "square")
    note = "Note: for 1 of 1 pictures the networks predict different classes"
    for second, more, noted in (
        ("other.pt", ["--diff"], True),
        ("alike.pt", ["--diff"], False),
        ("other.pt", [], False),
        ("other.pt", ["--diff", "--target", "ring"], False),
        ("other.pt", ["--diff", "--method", "fem"], False),  # about no class
    ):
        assert (note in rga("compare", "one.pt", second, "img.jpg", *more, *FAST).stderr) == noted


def test_maps_about_what_each_picture_shows(rga):
    """The fair comparison of networks that say different things."""
    told = rga("compare", *PAIR, "pics/ring", "pics/square", "--target", "label", "--diff", *FAST).stderr
    assert "different classes" not in told
    results = read_results("rgaviz-compare")
    assert results.manifest.target == "label"
    for row, label in zip(results.manifest.rows, ("ring", "square"), strict=True):
        maps = [panel for panel in row if panel.kind == "map" and panel.map.group == "cam"]
        assert len(maps) == 2
        assert {panel.values["target"] for panel in maps} == {label}
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    index = checkpoint.classes.index("square")
    expected = rgaviz.cam(checkpoint, ["pics/square/b.png"], targets=[index])["gradcam"][0]
    np.testing.assert_allclose(results.map("1", "rga", "gradcam"), expected, rtol=1e-4, atol=1e-6)
