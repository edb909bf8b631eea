"""``rgaviz localize`` of pictures with boxes, of scenes, over thresholds, and the files it writes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from laid_out_scenes import lay_out_cityscapes, lay_out_scenes
from streets_networks import save_network

import rgaviz
from rgaviz.data.sets import load_truth
from rgaviz.explain.localisation import enlarged
from rgaviz.explain.overlap import outline, overlaps

FAST = ("--format", "png", "--dpi", "50")
SIZES = {"ring/a": (50, 40), "square/b": (30, 90), "other/c": (20, 20)}
BOXES = {"ring/a": (5, 10, 20, 30), "square/b": (0, 0, 90, 30), "other/c": (2, 2, 10, 10)}


def rows_of(told, name, measure, part="dog"):
    return [
        row
        for row in told["rows"]
        if (row["map"], row["measure"], row["part"]) == (name, measure, part) and row["group"] != "cam"
    ]


def mean_of(told, network, name, measure, part="object"):
    (row,) = (row for row in rows_of(told, name, measure, part) if row["network"] == network)
    return row["mean"]


def write_coco(path):
    images = [
        {"id": number, "file_name": f"{name}.png", "height": height, "width": width}
        for number, (name, (height, width)) in enumerate(SIZES.items())
    ]
    boxes = [
        {"image_id": number, "category_id": 1, "bbox": [a, b, c - a, d - b]}
        for number, (a, b, c, d) in enumerate(BOXES.values())
    ]
    categories = [{"id": 1, "name": "dog"}]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))


def write_voc(folder):
    for name, (a, b, c, d) in BOXES.items():
        path = (folder / name).with_suffix(".xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"<annotation><object><name>dog</name><bndbox><xmin>{a + 1}</xmin><ymin>{b + 1}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object></annotation>"
        )


def test_boxes_of_both_kinds_say_the_same(place, answer):
    """Of the map of ones the box is the picture: its IoU is the box's share of it, 300/2000, 1 and 64/400."""
    write_coco(Path("boxes.json"))
    write_voc(Path("xml"))
    told, again = (
        answer("localize", "rga.pt", "pics", "--truth", truth, "-o", "out", *FAST)
        for truth in ("boxes.json", "xml")
    )
    assert told["rows"] == again["rows"]
    assert (told["pictures"], told["source"], again["source"]) == (3, "boxes.json", "xml")
    assert list(dict.fromkeys(row["part"] for row in told["rows"])) == ["dog", "background"]
    (energy,) = rows_of(told, "ones", "energy")
    assert energy["mean"] == pytest.approx(np.mean([300 / 2000, 64 / 400]))  # the second shows nothing else
    (iou,) = rows_of(told, "ones", "iou")
    assert iou["mean"] == pytest.approx(np.mean([300 / 2000, 1, 64 / 400]))
    for measure in ("maxboxacc30", "maxboxacc50", "maxboxacc70", "maxboxaccv2"):
        (row,) = rows_of(told, "ones", measure)
        assert (row["mean"], row["pictures"]) == (pytest.approx(1 / 3), 3)
    (gaussian,) = rows_of(told, "gaussian", "maxboxacc30")
    assert gaussian["mean"] >= 1 / 3


def test_files_beside_the_pictures(place, answer):
    """Also beside pictures that are PNGs, which are no labels then."""
    write_voc(Path("pics"))
    told = answer("localize", "rga.pt", "pics", "--truth", "pics", *FAST)
    assert told["pictures"] == 3


def test_a_file_that_cannot_be_read_leaves_the_others(place, answer):
    write_voc(Path("xml"))
    Path("xml/ring/a.xml").write_text("<!DOCTYPE a [<!ENTITY x 'y'>]><annotation/>")
    told = answer("localize", "rga.pt", "pics", "--truth", "xml", *FAST, code=1)
    assert told["pictures"] == 2
    assert len(told["failures"]) == 1
    assert "document type" in told["failures"][0]


def test_boxes_are_no_output(place, refused):
    write_coco(Path("boxes.json"))
    words = ("localize", "rga.pt", "pics", "--truth", "boxes.json", "-o", "pics/ring/a.png")
    assert "is an input" in refused(*words)


def test_a_classifier_on_the_classes_of_cityscapes(place, answer, rga):
    lay_out_cityscapes(Path("data"))
    words = ("localize", "rga.pt", "cityscapes", "--data-dir", "data", *FAST)
    told = answer(*words)
    assert told["pictures"] == 6
    assert rows_of(told, "ones", "energy", "road")[0]["pictures"] == 6
    assert rows_of(told, "ones", "energy", "bus")[0]["mean"] is None  # nowhere
    assert "Note: cityscapes is not as published" in rga(*words).stderr


def test_a_network_that_sees_scenes_at_their_own_sizes(place, answer):
    """What is to be left out by its training is left out here; two sizes are not explained together."""
    lay_out_scenes(Path("data"))
    for part in ("val", "test"):
        shutil.rmtree(Path("data", part))
    classes = ["road", "sky", "tree", "traffic light"]
    training = {"dataset": "scenes", "recipe": {"data": {"held_out": 0.5}}}
    save_network(Path("dense.pt"), 0, "rga-s", classes=classes, training=training)
    told = answer("localize", "dense.pt", "--data-dir", "data", "--target", "road", *FAST)
    assert told["pictures"] == 6
    names = [row["map"] for row in told["maps"]]
    assert names == [
        "gradcam",
        "randomcam",
        *[name for name in names if "spatial" in name],
        "gaussian",
        "ones",
    ]
    shown = list(csv.DictReader(Path("rgaviz-localize/tables/pictures.csv").read_text().splitlines()))
    assert {row["part"] for row in shown} == {"labelled", *classes, "background"}


def test_more_classes_than_a_figure_shows(place, refused):
    lay_out_scenes(Path("data"))
    Path("data/classes.txt").write_text("\n".join(f"class {number}" for number in range(120)))
    told = refused("localize", "rga.pt", "scenes", "--data-dir", "data")
    assert "122 parts for one chart, which shows 100 at most" in told


def test_overlap_is_that_of_the_maps(answer):
    """The rows and the curves from the maps of the Python functions, and thresholds chosen by a loop."""
    told = answer("localize", "rga.pt", "-o", "own", *FAST)
    truth = load_truth("shapes", image_size=(16, 16), test_size=20)
    pictures, labels = zip(*(truth.read(place) for place in range(20)), strict=True)
    values = rgaviz.masks(rgaviz.load_checkpoint("rga.pt"), list(pictures), "conv5")["conv5/spatial"]
    found = overlaps([outline(each) for each in enlarged(values, (16, 16))], np.stack(labels), [(1,), (0,)])
    kept = {"rga": found, "": overlaps([outline(np.ones((16, 16)))] * 20, np.stack(labels), [(1,), (0,)])}
    for (network, name), each in zip((("rga", "conv5/spatial"), ("", "ones")), kept.values(), strict=True):
        curves = {
            "iou": each.iou[:, 0].mean(0),
            **{f"maxboxacc{30 + 20 * k}": (each.largest[:, 0] > k).mean(0) for k in range(3)},
            **{f"anyboxacc{30 + 20 * k}": (each.best[:, 0] > k).mean(0) for k in range(3)},
        }
        rows = [
            row
            for row in csv.DictReader(Path("own/tables/curves.csv").read_text().splitlines())
            if (row["network"], row["map"], row["part"]) == (network, name, "object")
        ]
        for column, expected in curves.items():
            np.testing.assert_allclose([float(row[column]) for row in rows], expected, atol=1e-3)
            if not column.startswith("any"):
                assert mean_of(told, network, name, column) == pytest.approx(max(expected), abs=1e-3)
        v2 = np.mean([max(curves[f"anyboxacc{delta}"]) for delta in (30, 50, 70)])
        assert mean_of(told, network, name, "maxboxaccv2") == pytest.approx(v2, abs=1e-3)
    assert mean_of(told, "rga", "conv5/spatial", "maxboxacc50", "background") is None
    (ones,) = rows_of(told, "ones", "iou", "object")
    assert ones["mean"] == pytest.approx(ones["pixels"])


def test_files_of_others_are_kept(place, refused):
    Path("fig.csv").write_text("mine")
    assert "fig.csv" in refused("localize", "rga.pt", "shapes", "-o", "fig.png")
    assert Path("fig.csv").read_text() == "mine"


def test_a_stranger_under_the_name_of_the_curves_is_kept(place, refused):
    Path("out").mkdir()
    Path("out/localize-thresholds.png").write_text("mine")
    assert "localize-thresholds.png" in refused("localize", "rga.pt", "shapes", "-o", "out", *FAST)
    assert Path("out/localize-thresholds.png").read_text() == "mine"
