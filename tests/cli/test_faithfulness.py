"""``rgaviz faithfulness``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from crops import save_network as save_people
from followed import FAST, MEASURES, by_picture, row_of, table
from pictures import files_below
from streets_networks import save_network as save_dense

import rgaviz
from rgaviz.cli.completion import measured_on


def test_faithfulness(answer, rga):
    told = answer("faithfulness", "baseline.pt", "rga.pt", "shapes", "--count", "3", *FAST)
    assert told["files"] == [f"rgaviz-faithfulness/faithfulness.{kind}" for kind in ("png", "csv", "tex")]
    assert (told["pictures"], told["source"], told["failures"]) == (3, "shapes, generated", [])
    assert told["score"] == "probability of the class"
    kinds = [("baseline", name) for name in ("gradcam", "randomcam", "random")]
    kinds += [("rga", name) for name in ("gradcam", "randomcam", "conv5/spatial", "random")]
    assert [(row["network"], row["map"], row["measure"]) for row in told["rows"]] == [
        (*kind, measure) for kind in kinds for measure in MEASURES
    ]
    against = {(row["network"], row["map"]): row["against"] for row in told["rows"]}
    assert against["rga", "gradcam"] == "baseline"
    assert against["baseline", "gradcam"] == against["rga", "conv5/spatial"] == "randomcam"
    assert against["rga", "randomcam"] is against["rga", "random"] is None
    assert row_of(told["rows"], "rga", "random", "sensitivity")["mean"] is None
    drawn = Path("rgaviz-faithfulness/faithfulness.png").read_bytes()
    rga("redraw", "rgaviz-faithfulness")
    assert Path("rgaviz-faithfulness/faithfulness.png").read_bytes() == drawn
    lines = Path("rgaviz-faithfulness/faithfulness.tex").read_text().splitlines()
    assert lines[0].startswith("% Written by rgaviz faithfulness")
    assert any(r"average drop (\%) $\downarrow$" in line for line in lines)
    assert any(line.startswith("spatial mask (conv5), rga & ") for line in lines)
    shown = rga(
        "faithfulness", "rga.pt", "--count", "2", "--measure", "deletion", *FAST
    )  # replaces its own output
    assert "random order, rga" in shown.stdout
    assert "2 pictures (shapes, generated), score: probability of the class;" in shown.stdout
    assert "Note: 2 of 20 pictures, drawn at random with seed 0." in shown.stderr


def test_of_people_the_score_is_a_cosine(answer, rga, monkeypatch):
    from rgaviz.data.sets import people

    monkeypatch.setattr(people, "TEST_IDENTITIES", 20)
    for seed, name in enumerate(("one", "two")):
        save_people(Path(f"{name}.pt"), seed, attention="rga-s")
    words = ("faithfulness", "one.pt", "two.pt", "people", "--count", "3", *FAST)
    shown = rga(*words, "--json")
    told = json.loads(shown.stdout)
    assert "so no increase is told" in shown.stderr
    assert told["score"] == "cosine with the whole picture"
    assert told["people"] <= told["pictures"] == 3
    assert [row["measure"] for row in told["rows"][:5]] == [name for name in MEASURES if name != "increase"]
    starts = [row for row in table("rgaviz-faithfulness/tables/curves.csv") if row["fraction"] == "0.0"]
    assert all(
        float(row["mean"]) == pytest.approx(1, abs=1e-5) for row in starts if row["curve"] == "deletion"
    )
    near = answer(*words, "--target", "similarity:img.jpg", "--measure", "deletion,increase")
    assert near["score"] == "cosine with the other picture"
    assert {row["measure"] for row in near["rows"]} == {"deletion", "increase"}


def test_of_scenes_the_score_is_of_the_targets_pixels(place, answer, refused):
    training = {"dataset": "streets", "recipe": {"data": {"test_size": 3, "image_size": [32, 64]}}}
    save_dense(Path("net.pt"), attention="rga-s", training=training)
    words = ("faithfulness", "net.pt", "pics", "--measure", "deletion,road", *FAST)
    told = answer(*words, "--target", "road@all")
    assert told["score"] == "mean probability at the target's pixels"
    assert row_of(told["rows"], "net", "random")["pictures"] == 3
    single = ("--target", "road@22,10", "-o", "single")
    assert answer(*words, *single, code=1)["pictures"] == 2  # the other one is smaller
    checkpoint = rgaviz.load_checkpoint("net.pt")
    outputs = [checkpoint.scored()(checkpoint.inputs(f"pics/{name}.png")) for name in ("ring/a", "square/b")]
    expected = np.mean([output.softmax(1)[0, 0, 10, 22].item() for output in outputs])
    first = next(row for row in table("single/tables/curves.csv") if row["map"] == "random")
    assert (first["curve"], first["fraction"]) == ("deletion", "0.0")
    assert float(first["mean"]) == pytest.approx(expected, abs=1e-6)
    assert "the target has no score in them" in refused(*words, "--target", "car")  # predicted nowhere


def test_pictures_too_large_for_road_have_none(answer, rga, monkeypatch):
    from rgaviz.analysis import perturbing

    monkeypatch.setattr(perturbing, "LARGEST", 200)
    shown = rga("faithfulness", "rga.pt", "shapes", "--count", "3", *FAST)
    assert "3 pictures have more than 512x512, and none." in shown.stderr
    assert np.isnan(by_picture("rgaviz-faithfulness", "rga", "random", "road")).all()
    assert not np.isnan(by_picture("rgaviz-faithfulness", "rga", "random")).any()


def test_maps_that_say_nothing_are_counted(rga, monkeypatch):
    from rgaviz.analysis import perturbing

    def none(subject, found, target):
        return {
            kind: values * (kind.group != "cam") for kind, values in maps_of(subject, found, target).items()
        }

    maps_of = perturbing.maps_of
    monkeypatch.setattr(perturbing, "maps_of", none)
    result = rga("faithfulness", "rga.pt", "shapes", "--count", "4", *FAST)
    assert "Note: rga: 4 of 4 maps of Grad-CAM (conv5) say nothing, and are left out." in result.stderr
    row = row_of(table("rgaviz-faithfulness/faithfulness.csv"), "rga", "gradcam")
    assert (row["mean"], row["low"], row["pictures"], row["p"]) == ("", "", "0", "")


def test_a_picture_that_cannot_be_read_is_left_out(place, answer):
    Path("pics/ring/a.png").write_bytes(b"no picture")
    told = answer("faithfulness", "rga.pt", "pics", "--measure", "deletion", *FAST, code=1)
    assert (told["pictures"], len(told["failures"])) == (2, 1)
    assert "a.png" in told["failures"][0]


def test_methods_and_the_target_label(answer):
    words = ("faithfulness", "rga.pt", "shapes", "--count", "3", "--measure", "deletion", *FAST)
    told = answer(*words, "--method", "layercam,randomcam,fem", "--target", "label")
    names = [row["map"] for row in told["rows"]]
    assert names == ["layercam", "fem", "randomcam", "conv5/spatial", "random"]


def test_python_does_what_the_command_does(answer):
    found = rgaviz.faithfulness(
        ["rga.pt"], ["shapes"], "own", count=2, steps=4, figure={"dpi": 50, "formats": ("png",)}
    )
    told = answer("faithfulness", "rga.pt", "shapes", "--count", "2", "-o", "typed", *FAST)
    own, typed = files_below(Path("own")), files_below(Path("typed"))
    assert {name for name in own if own[name] != typed[name]} == {"manifest.json"}
    plain = json.loads(json.dumps(found.to_dict()))
    assert {key: plain[key] for key in plain if key not in ("results", "files")} == {
        key: told[key] for key in told if key not in ("results", "files")
    }


def test_completion(place):
    assert measured_on("cifar1") == ["cifar10", "cifar100"]
    assert "rga.pt" in measured_on("rg")


REFUSALS = {
    "no network": (["img.jpg"], "no network"),
    "measure": (["rga.pt", "--measure", "delete"], "Did you mean 'deletion'?"),
    "no curve": (["rga.pt", "--measure", "drop"], "deletion, insertion, road"),
    "unknown": (["rga.pt", "shape"], "Did you mean 'shapes'?"),
    "steps": (["rga.pt", "--steps", "0"], "--steps 0 is out of range"),
    "random": (["rga.pt", "--method", "randomcam"], "floor in every table"),
    "method": (["rga.pt", "--method", "grad"], "CAM method 'grad'"),
    "layer": (["rga.pt", "--layer", "conv9"], "'conv9'"),
    "mask": (["baseline.pt", "--mask-layer", "conv5"], "none of these networks"),
    "target": (["rga.pt", "--target", "tiger"], "'tiger'"),
    "scores": (["rga.pt", "--target", "top5"], "top5 has 5 scores"),
    "contrast": (["rga.pt", "--target", "contrast:ring,square"], "choose a class"),
    "value": (["rga.pt", "--outputs", "value"], "choose a class"),
    "label": (["rga.pt", "img.jpg", "--target", "label"], "needs the class of every picture"),
    "input": (["rga.pt", "shapes", "-o", "fig.jpg"], ".jpg"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusals(refused, fault):
    words, expected = REFUSALS[fault]
    assert expected in refused("faithfulness", *words)


def test_networks_of_several_tasks_are_refused(place, refused):
    save_people(Path("one.pt"), 0)
    assert "classification and reid" in refused("faithfulness", "rga.pt", "one.pt", "pics")


def test_not_one_picture_can_be_read(place, refused):
    for path in Path("pics").rglob("*.png"):
        path.write_bytes(b"no picture")
    assert "(and 2 more)" in refused("faithfulness", "rga.pt", "pics")


def test_neither_pictures_nor_files_of_others_are_replaced(place, refused):
    assert "is an input" in refused("faithfulness", "rga.pt", "pics", "-o", "pics/ring/a.png")
    Path("fig.csv").write_text("mine")
    assert "fig.csv" in refused("faithfulness", "rga.pt", "shapes", "-o", "fig.png")
