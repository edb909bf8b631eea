"""``rgaviz sanity --weights``: maps of networks with fresh weights, against the functions one by one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from crops import save_crops, save_network
from scipy.stats import spearmanr

import rgaviz
from rgaviz.data.sets import load_dataset
from rgaviz.explain.lending import lent
from rgaviz.explain.likeness import structural_similarity
from rgaviz.explain.randomized import parts_of, randomized

FAST = ("--format", "png", "--dpi", "50")
COUNT = 6


def pictures(checkpoint):
    """Those that are drawn, as the network sees them."""
    images = load_dataset("shapes", image_size=(16, 16), test_size=20).part("test").images
    places = np.random.default_rng(0).permutation(20)[:COUNT]
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (checkpoint.mean, checkpoint.std))
    return (images[places].permute(0, 3, 1, 2).float() / 255 - mean) / std


def maps_of(model, inputs, said):
    maps = rgaviz.cam(model, inputs, "conv5", ["gradcam"], said)
    return {**maps, **rgaviz.masks(model, inputs, "conv5")}


def alike(maps, others):
    """Of each map and measure the mean over pictures of which both say something."""
    found = {}
    for name, own in maps.items():
        known = [
            place
            for place in range(COUNT)
            if own[place].min() < own[place].max() and others[name][place].min() < others[name][place].max()
        ]
        pairs = [(own[place].ravel(), others[name][place].ravel()) for place in known]
        found[name, "spearman"] = np.mean([spearmanr(*pair).statistic for pair in pairs]) if pairs else None
        if own.ndim == 3:
            ssim = structural_similarity(own[known], others[name][known], (16, 16))
            found[name, "ssim"] = ssim.mean() if pairs else None
    return found


def values(rows, order, step):
    return {
        (row["map"], row["measure"]): row["mean"]
        for row in rows
        if (row["order"], row["step"]) == (order, step)
    }


def same(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == (None if value is None else pytest.approx(value, abs=1e-4)), key


def test_numbers_are_those_of_the_functions(answer):
    told = answer("sanity", "rga.pt", "--weights", "--count", str(COUNT), "--random-labels", "rga.pt", *FAST)
    assert told["files"] == [f"rgaviz-sanity-weights/sanity-weights.{kind}" for kind in ("png", "csv", "tex")]
    assert (told["pictures"], told["people"], told["dataset"]) == (COUNT, None, "shapes")
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    model, inputs = checkpoint.model, pictures(checkpoint)
    with torch.no_grad():
        said = model(inputs).argmax(1).tolist()
    trained = maps_of(model, inputs, said)
    parts = parts_of(model, (16, 16))
    rows = told["rows"]
    cascade = [row for row in rows if (row["order"], row["map"]) == ("cascade", "gradcam")]
    assert [row["part"] for row in cascade if row["measure"] == "ssim"] == parts
    for order, step in (("cascade", 2), ("cascade", len(parts)), ("single", len(parts)), ("single", 3)):
        changed = parts[:step] if order == "cascade" else [parts[step - 1]]
        with lent(model), randomized(model, changed, lambda: model(inputs)):
            same(values(rows, order, step), alike(trained, maps_of(model, inputs, said)))
    same(
        values(rows, "others", 0),
        alike(trained, {name: np.roll(each, 1, 0) for name, each in trained.items()}),
    )
    for value in values(rows, "labels", 0).values():
        assert value is None or value == pytest.approx(1)  # the same network
    head = values(rows, "cascade", 1)
    assert [head[f"conv5/{kind}", "spearman"] for kind in ("spatial", "channel")] == pytest.approx([1, 1])


def test_results_are_drawn_again_and_told(answer, rga):
    words = ("sanity", "baseline.pt", "rga.pt", "--weights", "--count", "4", *FAST)
    told = answer(*words)
    assert answer(*words) == told
    drawn = Path("rgaviz-sanity-weights/sanity-weights.png").read_bytes()
    rga("redraw", "rgaviz-sanity-weights")
    assert Path("rgaviz-sanity-weights/sanity-weights.png").read_bytes() == drawn
    (first, *_) = csv.DictReader(Path("rgaviz-sanity-weights/sanity-weights.csv").read_text().splitlines())
    assert (first["network"], first["map"], first["order"], first["part"]) == (
        "baseline",
        "gradcam",
        "cascade",
        "fc",
    )
    assert "Spearman's rank correlation" in Path("rgaviz-sanity-weights/sanity-weights.tex").read_text()
    shown = rga(*words).stdout
    assert "Grad-CAM (conv5), baseline" in shown
    assert "channel mask (conv5), rga" in shown
    assert "4 pictures of shapes" in shown


def test_intervals_of_people_are_over_people(place, answer):
    save_network(Path("one.pt"), 0)
    people = [(who, camera) for who in (1, 2, 0) for camera in (1, 2)]
    for part in ("query", "gallery"):
        save_crops(Path("data", part), people)
    words = ("--dataset", "reid-folder", "--data-dir", "data", "--weights", *FAST)
    told = answer("sanity", "one.pt", *words)
    assert (told["pictures"], told["people"]) == (6, 4)  # two of nobody


def test_refusals(place, refused):
    assert "--weights" in refused("sanity", "rga.pt", "--weights", "--way", "ones")
    for option in ("--method", "--target", "--layer", "--random-labels"):
        assert f"{option} is for --weights" in refused("sanity", "rga.pt", option, "x")
    message = refused("sanity", "rga.pt", "--weights", "--random-labels", "baseline.pt", "--count", "4")
    assert "no attention" in message
    assert "built alike" in message
    assert "CAM method" in refused("sanity", "rga.pt", "--weights", "--method", "gradcat")
