"""``rgaviz sanity``: masks replaced, against networks that have others, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from crops import save_crops, save_network
from torch import nn

import rgaviz
from rgaviz.analysis.randomize import randomize
from rgaviz.analysis.significance import holm
from rgaviz.data.sets import load_dataset
from rgaviz.errors import RgavizError
from rgaviz.explain.gates import gates

FAST = ("--format", "png", "--dpi", "50")
WAYS = ["ones", "mean", "average", "positions", "channels", "pictures"]


class Ones(nn.Module):
    def forward(self, x):
        return torch.ones_like(x)


class Means(nn.Module):
    def forward(self, x):
        mask = x.sigmoid()
        return mask.mean((1, 2, 3), keepdim=True).expand_as(mask)


REPLACED = {"ones": Ones, "mean": Means}


def error(checkpoint):
    """In percent, of the 20 pictures."""
    split = load_dataset("shapes", image_size=(16, 16), test_size=20).part("test")
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (checkpoint.mean, checkpoint.std))
    with torch.no_grad():
        logits = checkpoint.model((split.images.permute(0, 3, 1, 2).float() / 255 - mean) / std)
    return 100 * float((logits.argmax(1) != split.labels).double().mean())


def without(keys, way):
    """The error of the network with gates that are other modules."""
    checkpoint = rgaviz.load_checkpoint("rga.pt")
    paths = {module: name for name, module in checkpoint.model.named_modules()}
    for layer in ("conv4", "conv5"):
        for key, gate in gates(checkpoint.model, layer).items():
            if key in keys:
                parent, _, name = paths[gate].rpartition(".")
                setattr(checkpoint.model.get_submodule(parent), name, REPLACED[way]())
    return error(checkpoint)


def test_changes_are_those_of_networks_with_other_gates(answer):
    told = answer("sanity", "baseline.pt", "rga.pt", *FAST)
    assert told["files"] == [f"rgaviz-sanity/sanity.{kind}" for kind in ("png", "csv", "tex")]
    assert (told["dataset"], told["source"], told["left_out"]) == ("shapes", "generated", [])
    assert told["titles"] == {"error": "error (%)"}
    values = {each["network"]: each["value"] for each in told["networks"]}
    assert values == {
        name: pytest.approx(error(rgaviz.load_checkpoint(f"{name}.pt"))) for name in ("baseline", "rga")
    }
    rows = {(row["mask"], row["way"]): row for row in told["rows"]}
    each = ["ones", "mean", "average"]
    wanted = [
        (f"{layer}{kind}", way)
        for layer in ("conv4", "conv5")
        for kind, ways in (
            ("/spatial", [*each, "positions", "pictures"]),
            ("/channel", [*each, "channels", "pictures"]),
            ("", [*each, "pictures"]),
        )
        for way in ways
    ]
    assert list(rows) == [*wanted, *(("all", way) for way in WAYS)]
    masks = {
        "conv4/spatial": ["conv4/spatial"],
        "conv5": ["conv5/spatial", "conv5/channel"],
        "all": [f"{layer}/{kind}" for layer in ("conv4", "conv5") for kind in ("spatial", "channel")],
    }
    for mask, keys in masks.items():
        for way in REPLACED:
            row = rows[mask, way]
            assert row["value"] == pytest.approx(without(keys, way)), (mask, way)
            assert row["change"] == pytest.approx(row["value"] - values["rga"])
            assert row["low"] <= row["change"] <= row["high"]
    assert [row["p_holm"] for row in told["rows"]] == holm([row["p"] for row in told["rows"]])


def test_results_are_drawn_again_and_told(answer, rga):
    words = ("sanity", "rga.pt", "--mask-layer", "conv5", "--way", "mean,positions", *FAST)
    told = answer(*words)
    assert [(row["mask"], row["way"]) for row in told["rows"]] == [
        ("conv5/spatial", "mean"),
        ("conv5/spatial", "positions"),
        ("conv5/channel", "mean"),
        ("conv5", "mean"),
    ]
    assert answer(*words) == told  # replaces its own, by the same seeds
    drawn = Path("rgaviz-sanity/sanity.png").read_bytes()
    rga("redraw", "rgaviz-sanity")
    assert Path("rgaviz-sanity/sanity.png").read_bytes() == drawn
    (first, *_) = csv.DictReader(Path("rgaviz-sanity/sanity.csv").read_text().splitlines())
    assert (first["network"], first["mask"], first["way"]) == ("rga", "conv5/spatial", "mean")
    lines = Path("rgaviz-sanity/sanity.tex").read_text().splitlines()
    assert lines[0].startswith("% Written by rgaviz sanity")
    assert "mask & its own mean & shuffled over positions" in lines[4]
    shown = rga(*words, "--count", "5")
    assert "rga: error (%)" in shown.stdout
    assert "Changes on 5 pictures of shapes (generated)" in shown.stdout
    assert "Note: 5 of 20 pictures of shapes, test, drawn with seed 0." in shown.stderr


@pytest.fixture
def crops(place):
    """A network for people, and crops of three by three cameras."""
    save_network(Path("one.pt"), 0, "rga-sc")
    people = [(who, camera) for who in (1, 2, 3) for camera in (1, 2, 3)]
    save_crops(Path("data/query"), people[::2])
    save_crops(Path("data/gallery"), people)
    return place


def test_of_people_both_measures_over_people(crops, answer, rga):
    words = (
        "sanity",
        "one.pt",
        "--dataset",
        "reid-folder",
        "--data-dir",
        "data",
        "--way",
        "ones,pictures",
        *FAST,
    )
    told = answer(*words)
    assert list(told["titles"]) == ["rank1", "mAP"]
    assert [(row["pictures"], row["people"]) for row in told["networks"]] == [(5, 3), (5, 3)]
    (measured,) = rgaviz.evaluate(
        ["one.pt"], "out", dataset="reid-folder", data_dir="data", figure={"dpi": 50}
    )
    figures = measured.evaluation.figures
    assert [row["value"] for row in told["networks"]] == pytest.approx([figures["rank1"], figures["mAP"]])
    assert min(row["p"] for row in told["rows"]) > 0.2  # of three people there are eight swaps
    assert "that show 3 people" in rga(*words).stdout


def test_a_picture_that_cannot_be_read_is_left_out(crops, rga):
    path = next(Path("data/gallery").iterdir())
    path.write_bytes(b"no picture")
    words = ("sanity", "one.pt", "--dataset", "reid-folder", "--data-dir", "data", "--way", "ones", *FAST)
    shown = rga(*words, code=1)
    assert "Note: 1 pictures of reid-folder cannot be read and are left out." in shown.stderr
    assert "rgaviz-sanity/sanity.png" in shown.stdout


def test_refusals(place, refused):
    assert "attention" in refused("sanity", "baseline.pt")
    assert "Unknown way to replace a mask 'twos'" in refused("sanity", "rga.pt", "--way", "twos")
    assert "conv5" in refused("sanity", "rga.pt", "--mask-layer", "conv9")
    assert "--way positions: these networks have no mask" in refused(
        "sanity", "channel.pt", "--way", "positions"
    )
    assert "--dataset" in refused("sanity", "rga.pt", "--dataset", "people")
    save_network(Path("one.pt"), 0)
    assert "classification and reid" in refused("sanity", "rga.pt", "one.pt")


def test_pictures_are_in_an_order_of_no_class():
    from rgaviz.analysis.ablating import parts_of
    from rgaviz.tasks import TASKS

    images = load_dataset("shapes", image_size=(16, 16), test_size=20)
    said = []
    parts = parts_of(images, TASKS["classification"], 6, said.append)
    assert said == ["Note: 6 of 20 pictures of shapes, test, drawn with seed 0."]
    (batch,) = parts["test"].select([torch.arange(6)])
    places = np.random.default_rng(0).permutation(20)[:6].tolist()
    assert torch.equal(batch, images.part("test").images[places])
    assert torch.equal(parts["test"].labels, images.part("test").labels[places])


def test_of_channels_alone_there_is_one_mask_a_stage(answer):
    told = answer("sanity", "channel.pt", "--way", "channels,positions", *FAST)
    masks = [(row["mask"], row["way"]) for row in told["rows"]]
    assert masks == [*((f"conv{stage}/channel", "channels") for stage in (2, 3, 4, 5)), ("all", "channels")]


def test_from_python_impossible_numbers_are_refused(place):
    for question in (rgaviz.sanity, randomize):
        with pytest.raises(RgavizError, match="--count 1 is out of range"):
            question("rga.pt", count=1)
        with pytest.raises(RgavizError, match="no network"):
            question([])
    with pytest.raises(RgavizError, match="nothing to replace"):
        rgaviz.sanity("rga.pt", ways=[])
