"""``rgaviz localize``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pictures import files_below
from PIL import Image
from scipy.stats import wilcoxon

import rgaviz
from rgaviz.analysis.significance import holm
from rgaviz.cli.completion import localized
from rgaviz.data.sets import load_truth
from rgaviz.explain.localisation import located
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
OF_MAPS = ("energy", "contrast", "pointing")
MEASURES = (*OF_MAPS, "iou", "maxboxacc30", "maxboxacc50", "maxboxacc70", "maxboxaccv2")


def table(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def row_of(rows, network, name, part="object", measure="energy"):
    (row,) = (
        each
        for each in rows
        if (each["network"], each["map"], each["part"], each["measure"]) == (network, name, part, measure)
    )
    return row


def by_picture(folder, network, name, part="object", column="energy"):
    rows = [
        row
        for row in table(f"{folder}/tables/pictures.csv")
        if (row["network"], row["map"], row["part"]) == (network, name, part)
    ]
    return np.array([float(row[column]) for row in rows])


def test_localize(answer, rga):
    told = answer("localize", "baseline.pt", "rga.pt", "shapes", *FAST)
    names = ("localize.png", "localize-thresholds.png", "localize.csv", "localize.tex")
    assert told["files"] == [f"rgaviz-localize/{name}" for name in names]
    assert (told["pictures"], told["source"], told["failures"]) == (20, "generated", [])  # as its recipe says
    kinds = [("baseline", "gradcam"), ("baseline", "randomcam"), ("rga", "gradcam"), ("rga", "randomcam")]
    kinds += [("rga", "conv5/spatial"), ("", "gaussian"), ("", "ones")]
    assert [(row["network"], row["map"]) for row in told["maps"]] == kinds
    wanted = [
        (*kind, part, measure) for kind in kinds for part in ("object", "background") for measure in MEASURES
    ]
    assert [
        tuple(row[key] for key in ("network", "map", "part", "measure")) for row in told["rows"]
    ] == wanted
    against = {(row["network"], row["map"]): row["against"] for row in told["rows"]}
    assert against[("rga", "gradcam")] == "baseline"
    assert against[("baseline", "gradcam")] == against[("rga", "conv5/spatial")] == "ones"
    assert against[("rga", "randomcam")] is against[("", "ones")] is None
    drawn = [Path("rgaviz-localize", name).read_bytes() for name in names[:2]]
    rga("redraw", "rgaviz-localize")
    assert [Path("rgaviz-localize", name).read_bytes() for name in names[:2]] == drawn
    lines = Path("rgaviz-localize/localize.tex").read_text().splitlines()
    assert lines[0].startswith("% Written by rgaviz localize")
    assert "map, network & object & background" in lines[4]
    assert any(line.startswith("Grad-CAM (conv5), rga & ") for line in lines)
    shown = rga("localize", "baseline.pt", "rga.pt", *FAST).stdout  # replaces its own output
    assert "spatial mask (conv5), rga" in shown
    assert "20 pictures (generated)" in shown


def test_numbers_are_those_of_the_maps(answer):
    """The table from the maps of the Python functions, and the tests from SciPy on what stands for each picture."""
    told = answer("localize", "baseline.pt", "rga.pt", "-o", "own", *FAST)
    truth = load_truth("shapes", image_size=(16, 16), test_size=20)
    pictures, labels = zip(*(truth.read(place) for place in range(20)), strict=True)
    labels = np.stack(labels)
    maps = {}
    for name in ("baseline", "rga"):
        checkpoint = rgaviz.load_checkpoint(f"{name}.pt")
        found = rgaviz.cam(checkpoint, list(pictures), methods=["gradcam", "randomcam"])
        maps |= {(name, method): values for method, values in found.items()}
    maps[("rga", "conv5/spatial")] = rgaviz.masks(checkpoint, list(pictures), "conv5")["conv5/spatial"]
    maps[("", "ones")] = np.ones((20, 16, 16))
    for (network, name), values in maps.items():
        found = located(values, labels, [(1,), (0,)])
        for measure in ("pixels", "energy", "inside", "outside", "contrast", "pointing"):
            expected = getattr(found, measure)[:, 0]
            empty = np.isnan(expected)
            shown = table("own/tables/pictures.csv")
            cells = [
                row[measure]
                for row in shown
                if (row["network"], row["map"], row["part"]) == (network, name, "object")
            ]
            assert [cell == "" for cell in cells] == empty.tolist()
            kept = [float(cell) for cell in cells if cell]
            np.testing.assert_allclose(kept, expected[~empty], rtol=1e-4, atol=1e-6)
            if measure in OF_MAPS:
                row = row_of(told["rows"], network, name, measure=measure)
                assert row["pictures"] == len(kept)
                assert row["mean"] == pytest.approx(np.mean(kept))
                assert row["low"] <= row["mean"] <= row["high"]


def test_tests_are_those_of_scipy_on_each_picture(answer):
    told = answer("localize", "baseline.pt", "rga.pt", "-o", "own", *FAST)
    rows = told["rows"]
    for network, name, other in (
        ("rga", "conv5/spatial", ("", "ones")),
        ("baseline", "gradcam", ("", "ones")),
    ):
        missing = row_of(rows, network, name)["pictures"] < 20
        if missing:
            continue
        ours, theirs = by_picture("own", network, name), by_picture("own", *other)
        row = row_of(rows, network, name)
        assert row["p"] == pytest.approx(wilcoxon(ours, theirs).pvalue)
        assert row["difference"] == pytest.approx((ours - theirs).mean())
        assert row_of(rows, network, name, measure="pointing")["p"] is None
        assert row_of(rows, network, name, "background")["p"] is None
    for measure in MEASURES:
        own = [row for row in rows if row["measure"] == measure]
        assert [row["p_holm"] for row in own] == pytest.approx(holm([row["p"] for row in own]))
    ones = row_of(rows, "", "ones")
    assert ones["mean"] == pytest.approx(ones["pixels"])
    assert row_of(rows, "", "ones", measure="contrast")["mean"] == pytest.approx(0)


def test_people_by_part(answer):
    told = answer("localize", "rga.pt", "people", "--count", "5", "-o", "people.svg")
    assert told["pictures"] == 5
    parts = list(dict.fromkeys(row["part"] for row in told["rows"]))
    assert parts == ["person", "head", "torso", "legs", "background"]
    sums = [row_of(told["rows"], "", "ones", part)["mean"] for part in ("person", "background")]
    assert sum(sums) == pytest.approx(1)
    drawn = Path("people.svg").read_text()
    assert ">torso<" in drawn
    assert ">spatial mask (conv5)<" in drawn


@pytest.mark.slow
def test_pictures_drawn_are_the_same_again_and_told(answer, rga):
    words = ("localize", "rga.pt", "shapes", "--count", "6", *FAST)
    first = answer(*words, "-o", "a")
    assert "Note: 6 of 20 pictures, drawn at random with seed 0." in rga(*words, "-o", "b").stderr
    assert files_below(Path("a/tables")) == files_below(Path("b/tables"))
    assert first["pictures"] == 6
    assert answer("localize", "rga.pt", "shapes", "--count", "900", *FAST)["pictures"] == 20
    names = {row["picture"] for row in table("a/tables/pictures.csv")}
    whole = {row["picture"] for row in table("rgaviz-localize/tables/pictures.csv")}
    assert names < whole


def test_batches_change_nothing(answer, monkeypatch):
    from rgaviz.analysis import blocks

    told = answer("localize", "rga.pt", "shapes", "-o", "a", *FAST)
    monkeypatch.setattr(blocks, "BLOCK", 3)
    again = answer("localize", "rga.pt", "shapes", "-o", "b", *FAST)
    for one, other in zip(told["rows"], again["rows"], strict=True):
        of_boxes = one["measure"].startswith("maxbox")  # one of which may be just right, or not
        assert (one["mean"] or 0) == pytest.approx(other["mean"] or 0, rel=1e-4, abs=0.05 * of_boxes)


@pytest.fixture
def labelled(place):
    """Labels of the three pictures in ``pics``, of their own sizes."""
    for number, (name, size) in enumerate(
        {"ring/a": (50, 40), "square/b": (30, 90), "other/c": (20, 20)}.items()
    ):
        label = np.zeros(size, np.uint8)
        label[5:12, 3:9] = 1
        label[5:12, 12:18] = 2 if number else 0
        Path(f"labels/{name}.png").parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(label).save(f"labels/{name}.png")
    Path("labels/classes.txt").write_text("ground\nleft\nright\n")
    return place


def test_a_folder_of_labels(labelled, answer):
    told = answer("localize", "rga.pt", "pics", "--truth", "labels", "-o", "own", *FAST)
    assert [row["picture"] for row in table("own/tables/pictures.csv")][:12:4] == [
        "other/c.png",
        "ring/a.png",
        "square/b.png",
    ]
    assert list(dict.fromkeys(row["part"] for row in told["rows"])) == [
        "foreground",
        "left",
        "right",
        "background",
    ]
    ones = {part: row_of(told["rows"], "", "ones", part) for part in ("left", "right")}
    assert ones["left"]["mean"] == pytest.approx(np.mean([42 / 2000, 42 / 2700, 42 / 400]))
    assert (ones["left"]["pictures"], ones["right"]["pictures"]) == (3, 2)  # one does not show it


def test_a_picture_that_cannot_be_read_is_left_out(labelled, answer, rga):
    Path("pics/ring/a.png").write_bytes(b"no picture")
    words = ("localize", "rga.pt", "pics", "--truth", "labels", *FAST)
    told = answer(*words, code=1)
    assert told["pictures"] == 2
    assert len(told["failures"]) == 1
    assert "a.png" in told["failures"][0]
    assert "1 of 3 pictures left out." in rga(*words, code=1).stderr


def test_targets_and_methods(answer):
    words = ("localize", "rga.pt", "shapes", "--count", "4", *FAST)
    told = answer(*words, "--method", "layercam,randomcam,fem", "--target", "label")
    names = [row["map"] for row in told["maps"]]
    assert names == ["layercam", "fem", "randomcam", "conv5/spatial", "gaussian", "ones"]
    top5 = answer(*words, "--target", "top5", "--mask-layer", "all")
    names = [row["map"] for row in top5["maps"]]
    assert names[:6] == [*(f"gradcam/top{place}" for place in range(1, 6)), "randomcam"]
    assert "conv4/spatial" in names
    assert read_results("rgaviz-localize").manifest.target == "top5"


def test_maps_without_evidence_are_counted(rga, monkeypatch):
    from rgaviz.analysis import locating

    def none(subject, found, target):
        maps = maps_of(subject, found, target)
        return {kind: values * (kind.group != "cam") for kind, values in maps.items()}

    maps_of = locating._maps
    monkeypatch.setattr(locating, "_maps", none)
    result = rga("localize", "rga.pt", "shapes", *FAST)
    assert "Note: rga: 20 of 20 maps of Grad-CAM (conv5) have no positive evidence" in result.stderr
    (row,) = (
        row
        for row in table("rgaviz-localize/localize.csv")
        if row["map"] == "gradcam" and row["measure"] == "energy" and row["part"] == "object"
    )
    assert (row["mean"], row["low"], row["pictures"], row["p"]) == ("", "", "0", "")


def test_python_does_what_the_command_does(answer):
    found = rgaviz.localize(
        ["baseline.pt", Path("rga.pt")], ["shapes"], "own", count=5, figure={"dpi": 50, "formats": ("png",)}
    )
    told = answer("localize", "baseline.pt", "rga.pt", "shapes", "--count", "5", "-o", "typed", *FAST)
    own, typed = files_below(Path("own")), files_below(Path("typed"))
    assert {name for name in own if own[name] != typed[name]} == {"manifest.json"}
    plain = json.loads(json.dumps(found.to_dict()))
    for key in ("rows", "titles", "maps", "pictures", "source", "failures"):
        assert plain[key] == told[key]


def test_completion(place):
    assert localized("pe") == ["people"]
    assert "rga.pt" in localized("rg")


REFUSALS = {
    "no network": (["img.jpg"], "no network"),
    "no labels": (["rga.pt", "img.jpg"], "with --truth"),
    "no file": (["rga.pt", "img.jpg", "--truth", "nowhere.json"], "nowhere.json cannot be read"),
    "both": (["rga.pt", "img.jpg", "--truth", "pics", "--data-dir", "pics"], "leave one out"),
    "no data": (["rga.pt", "cityscapes"], "--data-dir"),
    "generated": (["rga.pt", "shapes", "--data-dir", "pics"], "is generated and reads no folder"),
    "several": (["rga.pt", "people", "shapes"], "one data set"),
    "no parts": (["rga.pt", "cifar10"], "cifar10 does not say where"),
    "unknown": (["rga.pt", "shape"], "Did you mean 'shapes'?"),
    "no pictures": (["rga.pt", "--truth", "pics"], "name them"),
    "no folder": (["rga.pt", "img.jpg", "--truth", "nowhere"], "nowhere is not a folder"),
    "no label": (["rga.pt", "img.jpg", "--truth", "pics"], "no label"),
    "random": (["rga.pt", "shapes", "--method", "randomcam"], "floor in every table"),
    "method": (["rga.pt", "shapes", "--method", "grad"], "CAM method 'grad'"),
    "layer": (["rga.pt", "shapes", "--layer", "conv9"], "'conv9'"),
    "mask": (["baseline.pt", "shapes", "--mask-layer", "conv5"], "none of these networks"),
    "target": (["rga.pt", "shapes", "--target", "tiger"], "'tiger'"),
    "label": (["rga.pt", "people", "--target", "label"], "choose another target"),
    "input": (["rga.pt", "shapes", "-o", "fig.jpg"], ".jpg"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusals(refused, fault):
    words, expected = REFUSALS[fault]
    assert expected in refused("localize", *words)


def test_not_one_picture_can_be_read(labelled, refused):
    for path in Path("pics").rglob("*.png"):
        path.write_bytes(b"no picture")
    assert "(and 2 more)" in refused("localize", "rga.pt", "pics", "--truth", "labels")


def test_neither_pictures_nor_labels_are_replaced(labelled, refused):
    for name in ("pics/ring/a.png", "labels/ring/a.png"):
        assert "is an input" in refused("localize", "rga.pt", "pics", "--truth", "labels", "-o", name)
