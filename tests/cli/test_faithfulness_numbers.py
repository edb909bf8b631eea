"""The numbers of ``rgaviz faithfulness`` against slow loops and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from followed import FAST, by_picture, row_of, table
from scipy.stats import wilcoxon

import rgaviz
from rgaviz.analysis.significance import holm
from rgaviz.data.sets import load_dataset
from rgaviz.explain.localisation import enlarged


def slow_numbers(checkpoint, image, values, steps=4):
    """Deletion, average drop and increase of a map whose values differ, pixel by pixel."""
    model = checkpoint.model
    inputs = checkpoint.inputs([image])
    with torch.no_grad():
        whole = model(inputs).softmax(1)[0]
        best = int(whole.argmax())
        wide = enlarged(values[None], (16, 16))[0]
        order = sorted(np.ndindex(16, 16), key=lambda place: -wide[place])
        curve, variant = [], inputs.clone()
        for step in range(steps + 1):
            for y, x in order[: round(step * 256 / steps)]:
                variant[0, :, y, x] = 0
            curve.append(model(variant).softmax(1)[0, best].item())
        scaled = enlarged(((values - values.min()) / (values.max() - values.min()))[None], (16, 16))
        seen = model(inputs * torch.from_numpy(scaled).float()).softmax(1)[0, best].item()
    return (
        np.trapezoid(curve, dx=1 / steps),
        max(0, whole[best].item() - seen) / whole[best].item(),
        seen > whole[best],
    )


def test_numbers_are_those_of_the_maps(answer):
    """Drop and increase from the maps of the Python functions by slow loops; deletion of the order that is drawn again.

    Those maps have few positions, so that many pixels are equal, and in random order.
    """
    measures = ["deletion", "drop", "increase"]
    words = ("--mask-layer", "conv4", "--measure", ",".join([*measures, "road"]), "-o", "own", *FAST)
    told = answer("faithfulness", "rga.pt", "shapes", "--count", "6", *words)
    numbers = [int(row["picture"]) for row in table("own/tables/pictures.csv") if row["map"] == "random"]
    split = load_dataset("shapes", image_size=(16, 16), test_size=20).part("test")
    pictures = list(split.images.numpy()[numbers])
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    chance = [np.random.default_rng((0, number)).permutation(256).reshape(16, 16) for number in numbers]
    maps = {
        "random": np.stack(chance).astype(np.float32),
        "randomcam": rgaviz.cam(checkpoint, pictures, methods=["randomcam"])["randomcam"],
        "conv4/spatial": rgaviz.masks(checkpoint, pictures, "conv4")["conv4/spatial"],
    }
    for name, values in maps.items():
        expected = [slow_numbers(checkpoint, *each) for each in zip(pictures, values, strict=True)]
        for measure, own in zip(measures, np.array(expected).T, strict=True):
            found = by_picture("own", "rga", name, measure)
            if measure != "deletion" or name == "random":
                np.testing.assert_allclose(found, own, atol=1e-5)
            row = row_of(told["rows"], "rga", name, measure)
            assert row["mean"] == pytest.approx(found.mean())
            assert row["low"] <= row["mean"] <= row["high"]
    curves = [row for row in table("own/tables/curves.csv") if row["map"] == "conv4/spatial"]
    assert {row["curve"]: row["fraction"] for row in curves} == {
        "deletion": "1.0",
        **dict.fromkeys(("road", "road_most", "road_least"), "0.9"),
    }
    deleted = [float(row["mean"]) for row in curves if row["curve"] == "deletion"]
    assert np.trapezoid(deleted, dx=1 / 4) == pytest.approx(
        row_of(told["rows"], "rga", "conv4/spatial")["mean"]
    )
    gaps = [float(row["mean"]) for row in curves if row["curve"] == "road"]
    assert np.mean(gaps) == pytest.approx(row_of(told["rows"], "rga", "conv4/spatial", "road")["mean"])


def test_sensitivity_is_a_slow_loops(answer):
    """The noise drawn again, and the maps of every noisy picture alone by the Python function."""
    answer(
        "faithfulness",
        "rga.pt",
        "shapes",
        "--count",
        "2",
        "--measure",
        "sensitivity,deletion",
        "-o",
        "own",
        *FAST,
    )
    names = [int(row["picture"]) for row in table("own/tables/pictures.csv") if row["map"] == "gradcam"]
    images = load_dataset("shapes", image_size=(16, 16), test_size=20).part("test").images.numpy()
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    for place, number in enumerate(names):
        inputs = checkpoint.inputs([images[number]])
        best = int(checkpoint.model(inputs).argmax())
        plain = rgaviz.cam(checkpoint, inputs, targets=[best])["gradcam"][0]
        distances = []
        for draw in range(10):
            noise = np.random.default_rng((0, number, draw)).uniform(-1, 1, (3, 16, 16)).astype(np.float32)
            noisy = rgaviz.cam(checkpoint, inputs + 0.02 * torch.from_numpy(noise)[None], targets=[best])
            distances.append(np.linalg.norm(noisy["gradcam"][0] - plain))
        norm = np.linalg.norm(plain)
        expected = max(distances) / norm if norm else np.nan
        assert by_picture("own", "rga", "gradcam", "sensitivity")[place] == pytest.approx(
            expected, rel=1e-3, nan_ok=True
        )


def test_tests_are_those_of_scipy_on_each_picture(answer):
    told = answer(
        "faithfulness",
        "baseline.pt",
        "rga.pt",
        "shapes",
        "-o",
        "own",
        "--count",
        "12",
        "--measure",
        "insertion,deletion",
        *FAST,
    )
    for network, name, other in (
        ("rga", "randomcam", None),
        ("rga", "conv5/spatial", ("rga", "randomcam")),
        ("rga", "gradcam", ("baseline", "gradcam")),
    ):
        row = row_of(told["rows"], network, name, "insertion")
        if other is None:
            assert row["p"] is None
            continue
        differences = by_picture("own", network, name, "insertion") - by_picture("own", *other, "insertion")
        differences = differences[~np.isnan(differences)]
        assert row["pairs"] == len(differences)
        assert row["difference"] == pytest.approx(differences.mean())
        assert row["p"] == pytest.approx(wilcoxon(differences[differences != 0]).pvalue)
    own = [row for row in told["rows"] if row["measure"] == "insertion"]
    assert [row["p_holm"] for row in own] == pytest.approx(holm([row["p"] for row in own]))


def test_neither_batches_nor_the_count_change_a_number(answer, monkeypatch):
    from rgaviz.analysis import loading
    from rgaviz.explain import faithfulness

    words = ("faithfulness", "rga.pt", "shapes", *FAST)
    answer(*words, "--count", "2", "-o", "a")
    monkeypatch.setattr(loading, "BATCH", 3)
    monkeypatch.setattr(faithfulness, "VARIANTS", 3)
    answer(*words, "--measure", "insertion,sensitivity", "-o", "b")
    whole = {(row["picture"], row["map"]): row for row in table("b/tables/pictures.csv")}
    for row in table("a/tables/pictures.csv"):
        other = whole[row["picture"], row["map"]]
        for measure in ("insertion", "sensitivity"):
            one, two = (float(each[measure] or "nan") for each in (row, other))
            assert one == pytest.approx(two, abs=1e-4, nan_ok=True)
