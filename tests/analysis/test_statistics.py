"""What masks do over a data set, against the masks of all its pictures at once."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import streets_networks
import torch
from crops import GALLERY, save_crops, save_network
from pictures import save_picture
from scipy.stats import f_oneway

import rgaviz
from rgaviz.data.sets import load_dataset
from rgaviz.errors import PictureError, RgavizError
from rgaviz.explain.statistics import mask_numbers
from rgaviz.results.reader import read_results

FAST = {"formats": ("png",), "dpi": 50}


@pytest.fixture
def shapes():
    """The pictures that the small networks are measured on, and what they show."""
    images = load_dataset("shapes", image_size=(16, 16), test_size=20)
    return images.classes, images.part("test")


def told(*words, **settings):
    notes = []
    found = rgaviz.statistics(*words, **{"figure": FAST, "say": notes.append, **settings})
    return found, notes


def row_of(rows, network, mask, name="all"):
    (row,) = (
        each for each in rows if (each["network"], each["mask"], each["class"]) == (network, mask, name)
    )
    return row


def records(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def masks_of(path, split):
    checkpoint = rgaviz.load_checkpoint(path)
    return rgaviz.masks(checkpoint, list(split.images.numpy()))


def test_numbers_are_those_of_all_masks_at_once(networks, shapes, tmp_path):
    classes, split = shapes
    found, _ = told([networks["rga"]], None, tmp_path / "out", threshold=0.4)
    assert (found.pictures, found.by, found.failures) == (20, "class", [])
    masks = masks_of(networks["rga"], split)
    assert list(dict.fromkeys(row["mask"] for row in found.rows)) == list(masks)
    labels = split.labels.numpy()
    results = read_results(tmp_path / "out")
    for mask, values in masks.items():
        numbers = mask_numbers({mask: values}, 0.4)[mask].numbers
        for place, name in enumerate(["all", *classes]):
            chosen = labels == place - 1 if place else labels >= 0
            row = row_of(found.rows, "rga", mask, name)
            assert row["pictures"] == chosen.sum()
            for key, own in numbers.items():
                expected = (own[chosen].mean(), own[chosen].std()) if chosen.any() else (None, None)
                assert (row[key], row[f"{key}_std"]) == pytest.approx(expected, rel=1e-5, abs=1e-7)
            if chosen.any():
                kept = results.map("all" if not place else str(place - 1), "rga", mask)
                np.testing.assert_allclose(kept, values[chosen].mean(0), rtol=1e-5)
        flat = values.reshape(20, -1).astype(np.float64)
        seen = [flat[labels == each] for each in np.unique(labels)]
        inside = sum(((own - own.mean(0)) ** 2).sum() for own in seen)
        share = 1 - inside / ((flat - flat.mean(0)) ** 2).sum()
        whole = row_of(found.rows, "rga", mask)
        assert whole["share"] == pytest.approx(share, rel=1e-4)
        assert whole["chance"] == pytest.approx((len(seen) - 1) / 19)


def test_channels_in_the_table_are_those_of_all_masks(networks, shapes, tmp_path):
    classes, split = shapes
    found, _ = told([networks["channel"]], "shapes", tmp_path / "out", layer="conv5")
    values = masks_of(networks["channel"], split)["conv5/channel"].astype(np.float64)
    labels = split.labels.numpy()
    rows = records(tmp_path / "out/statistics.channels.csv")
    assert [int(row["channel"]) for row in rows] == list(range(values.shape[1]))
    seen = np.unique(labels)
    expected = f_oneway(*(values[labels == each] for each in seen)).statistic
    np.testing.assert_allclose([float(row["f"]) for row in rows], expected, rtol=1e-3)
    for key, own in {"mean": values.mean(0), "deviation": values.std(0)}.items():
        np.testing.assert_allclose([float(row[key]) for row in rows], own, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([float(row["dead"]) for row in rows], (values < 0.05).mean(0), atol=1e-6)
    for place, name in enumerate(classes):
        if place in seen:
            own = values[labels == place].mean(0)
            np.testing.assert_allclose([float(row[name]) for row in rows], own, rtol=1e-4)
        else:
            assert {row[name] for row in rows} == {""}
    order = np.argsort(-expected, kind="stable")[:5]
    assert [row["channel"] for row in found.differing] == order.tolist()
    first = found.differing[0]
    means = {classes[each]: values[labels == each, order[0]].mean() for each in seen}
    assert first["highest"] == max(means, key=lambda name: means[name])
    assert first["lowest_mean"] == pytest.approx(min(means.values()), rel=1e-4)
    assert first["f"] == pytest.approx(expected[order[0]], rel=1e-3)


def test_two_networks_stand_side_by_side_and_one_without_masks_is_left_out(networks, tmp_path):
    out = tmp_path / "out"
    paths = [networks[name] for name in ("baseline", "rga", "channel")]
    found, notes = told(paths, "shapes", out, count=6, show=["ring", "square"])
    assert (
        f"Note: {networks['baseline']} has no attention that ends in a gate, so no masks, and is left out."
        in notes
    )
    assert "Note: 6 of 20 pictures, drawn at random with seed 0." in notes
    assert list(dict.fromkeys(row["network"] for row in found.rows)) == ["rga", "channel"]
    assert found.shown == ["ring", "square"]
    manifest = read_results(out).manifest
    assert [each["id"] for each in manifest.checkpoints] == ["rga", "channel"]
    assert manifest.titles == ["all", "ring", "square"]
    kinds = [[panel.kind for panel in row] for row in manifest.rows]
    assert [row[0] for row in kinds] == ["picture", "map", "map"]  # conv4 and conv5 of rga alone
    header, *rows = read_results(out).table("channels")
    assert header[-2:] == ["ring", "square"]
    assert {row[0] for row in rows} == {"rga", "channel"}
    alone, _ = told(networks["rga"], "shapes", tmp_path / "alone", count=6)
    kept = [row for row in found.rows if row["network"] == "rga"]
    assert kept == alone.rows  # whatever other networks see


def test_networks_of_other_sizes_see_the_pictures_at_their_own(networks, shapes, tmp_path):
    from rgaviz import create_model, save_checkpoint

    classes, _ = shapes
    torch.manual_seed(3)
    model = create_model(
        "resnet20", "rga-sc", width=4, s1=2, s2=2, num_classes=10, image_size=(24, 24)
    ).eval()
    told_of = {"dataset": "shapes", "recipe": {"data": {"test_size": 20}}}
    save_checkpoint(
        tmp_path / "large.pt", model, classes=classes, mean=(0.5,) * 3, std=(0.2,) * 3, training=told_of
    )
    found, _ = told([networks["rga"], tmp_path / "large.pt"], None, tmp_path / "out")
    split = load_dataset("shapes", image_size=(24, 24), test_size=20).part("test")
    for mask, values in masks_of(tmp_path / "large.pt", split).items():
        assert row_of(found.rows, "large", mask)["mean"] == pytest.approx(values.mean(), rel=1e-5)


def test_a_data_set_of_other_classes(networks, tmp_path):
    """What masks do is asked, not whether a class is right."""
    for number in range(4):
        save_picture(tmp_path / f"data/test/{'ab'[number % 2]}/{number}.png", (20, 20), number)
        save_picture(tmp_path / f"data/train/{'ab'[number % 2]}/{number}.png", (20, 20), number)
    broken = tmp_path / "data/test/a/broken.png"
    broken.write_bytes(b"no picture")
    found, _ = told([networks["rga"]], "folder", tmp_path / "out", data_dir=tmp_path / "data")
    assert (found.shown, found.pictures) == (["a", "b"], 4)
    assert len(found.failures) == 1
    assert "broken.png" in found.failures[0]
    part, _ = told(
        [networks["rga"]], "folder", tmp_path / "part", data_dir=tmp_path / "data", part="train", by="none"
    )
    assert (part.pictures, part.shown, part.by, part.differing) == (4, [], "none", [])
    assert {row["class"] for row in part.rows} == {"all"}
    assert {row["share"] for row in part.rows} == {None}
    for each in (tmp_path / "data/test").rglob("*.png"):
        each.write_bytes(b"no picture")
    with pytest.raises(PictureError, match="and 4 more"):
        told([networks["rga"]], "folder", tmp_path / "none", data_dir=tmp_path / "data")
    assert not (tmp_path / "none").exists()


def test_people_by_camera_and_by_identity(tmp_path):
    path = save_network(tmp_path / "net.pt", 0, "rga-sc", dataset="reid-folder")
    query = save_crops(tmp_path / "data/query", [(1, 1), (2, 1), (3, 4)])
    gallery = save_crops(tmp_path / "data/gallery", GALLERY[:-1])  # without junk
    found, _ = told(path, None, tmp_path / "out", data_dir=tmp_path / "data")
    crops = [*query, *gallery]
    assert (found.by, found.pictures, found.source) == (
        "camera",
        len(crops),
        "reid-folder, query and gallery, image files",
    )
    assert found.shown == [f"camera {number}" for number in range(1, 5)]
    cameras = np.array([int(each.name[6]) for each in crops])
    values = rgaviz.masks(rgaviz.load_checkpoint(path), crops)["conv5/channel"]
    for number in range(1, 5):
        row = row_of(found.rows, "net", "conv5/channel", f"camera {number}")
        own = values[cameras == number]
        assert (row["pictures"], row["mean"]) == (len(own), pytest.approx(own.mean(), rel=1e-5))
    told_of, _ = told(path, None, tmp_path / "out", data_dir=tmp_path / "data", by="identity", show="3")
    rows = [row for row in told_of.rows if row["mask"] == "conv5/channel"]
    people = [int(each.name[:4]) for each in crops]
    assert [(row["class"], row["pictures"]) for row in rows] == [  # nobody's count for all alone
        ("all", len(crops)),
        *((str(who), people.count(who)) for who in (1, 2, 3)),
    ]


def test_scenes_of_several_sizes_are_looked_at_all_together(tmp_path):
    path = streets_networks.save_network(tmp_path / "net.pt", 0, "rga-sc")
    root = tmp_path / "scenes"
    for number, size in enumerate([(64, 64), (64, 64), (48, 80)]):
        streets_networks.save_scene(root / "val", f"{number}", size, number)
    (root / "classes.txt").write_text("\n".join(streets_networks.CLASSES))
    found, _ = told(path, "scenes", tmp_path / "out", data_dir=root)
    assert (found.pictures, found.by, found.shown) == (3, "none", [])
    checkpoint = rgaviz.load_checkpoint(path)
    pictures = [root / f"val/images/{number}.png" for number in range(3)]
    alone = [rgaviz.masks(checkpoint, [each]) for each in pictures]
    for mask in alone[0]:
        expected = np.mean([each[mask].mean() for each in alone])
        assert row_of(found.rows, "net", mask)["mean"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(RgavizError, match="--by camera: the pictures of scenes say none; choose none"):
        told(path, "scenes", tmp_path / "out", data_dir=root, by="camera")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": ["shapes", "cifar10"]}, "over one data set"),
        ({"dataset": "people"}, "people is a data set for reid, but .* a network for classification"),
        ({"dataset": "shape"}, "Did you mean 'shapes'"),
        ({"by": "cat"}, "Unknown --by 'cat'"),
        ({"by": "identity"}, "--by identity: the pictures of shapes say none; choose class or none"),
        ({"show": "sqare"}, "Did you mean 'square'"),
        ({"show": "ring", "by": "none"}, "all together"),
        ({"show": [str(each) for each in range(8)]}, "--show has 8 classes"),
        ({"threshold": 1.5}, "--threshold 1.5 is out of range"),
        ({"count": 0}, "--count 0 is out of range"),
        ({"part": "tset"}, "Did you mean 'test'"),
        ({"layer": "conv2"}, "Unknown layer with attention 'conv2'"),
        ({"figure": {"names": ("a", "b")}}, "names"),
    ],
)
def test_refusals(networks, tmp_path, settings, message):
    with pytest.raises(RgavizError, match=message):
        rgaviz.statistics(networks["rga"], out=tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_without_masks_there_is_nothing_to_look_at(networks, tmp_path):
    with pytest.raises(RgavizError, match="has no attention that ends in a gate, so no masks"):
        told([networks["baseline"]], "shapes", tmp_path / "out")
    with pytest.raises(RgavizError, match="There is no network"):
        told([], "shapes", tmp_path / "out")
    assert not (tmp_path / "out").exists()
