"""``rgaviz relations`` as a function: what it writes, and of what it says no."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import rgaviz
from rgaviz.analysis.channel_relations import clustered
from rgaviz.analysis.relations import parse_points
from rgaviz.errors import RgavizError
from rgaviz.explain.relations import channel_relations
from rgaviz.explain.relations import relations as relations_of
from rgaviz.models import create_model
from rgaviz.results.reader import read_results

STAGES = ["conv2", "conv3", "conv4"]
FAST = {"dpi": 50, "formats": ("png",)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two networks and two pictures, one of them small."""
    folder = tmp_path_factory.mktemp("relations")
    torch.manual_seed(0)
    for name, attention in (("rga", "rga-sc"), ("nl", "nl"), ("plain", "none")):
        model = create_model(
            "resnet20", attention, num_classes=2, image_size=(32, 32), attention_layers=STAGES
        )
        saved = {"classes": ["a", "b"], "mean": (0.5,) * 3, "std": (0.25,) * 3}
        rgaviz.save_checkpoint(folder / f"{name}.pt", model, **saved)
    rng = np.random.default_rng(0)
    for name, size in (("large", (60, 80)), ("small", (20, 30))):
        Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


def test_a_point_in_two_networks(place, tmp_path):
    answer = rgaviz.relations(
        [place / "rga.pt", place / "nl.pt"],
        [place / "large.png", place / "small.png"],
        tmp_path / "out",
        points=[(70, 45), "5,5"],
        layer="conv4",
        figure=FAST,
    )
    assert answer.failures == [
        f"'{place / 'small.png'}' has 30x20 pixels, and --point 70,45 is outside: give one inside it."
    ]
    results = read_results(tmp_path / "out")
    rows = results.manifest.rows
    assert [[panel.kind for panel in row] for row in rows] == [
        ["picture", *["map", "map", "difference"] * 2]
    ] * 2
    assert {(mark.x, mark.y) for panel in rows[0] for mark in panel.marks} == {(0.875, 0.75)}
    for name in ("rga", "nl"):
        checkpoint = rgaviz.load_checkpoint(place / f"{name}.pt")
        inputs = checkpoint.inputs([place / "large.png"])
        expected = relations_of(checkpoint.model, inputs, "conv4", [[(0.875, 0.75), (5 / 80, 5 / 60)]])
        for point in range(2):
            for side in ("rows", "columns"):
                found = results.map("0", name, f"conv4/{point + 1}-{side}")
                np.testing.assert_allclose(found, getattr(expected, side)[0, point], rtol=1e-5)
    json.dumps(answer.to_dict())
    first = answer.found[0]
    assert (first["network"], first["x"], first["y"], first["map"]) == ("rga", 70, 45, [8, 8])
    assert (first["row"], first["column"]) == (6, 7)
    redrawn = rgaviz.redraw(tmp_path / "out", tmp_path / "again.png", figure={"dpi": 50})
    assert redrawn.paths[0].read_bytes() == answer.files[0].read_bytes()


def test_positions_are_chosen_by_the_first_network_for_all(place, tmp_path):
    answer = rgaviz.relations(
        [place / "rga.pt", place / "nl.pt"],
        place / "large.png",
        tmp_path / "f.png",
        layer="conv4",
        figure=FAST,
    )
    by_network = {}
    for each in answer.found:
        by_network.setdefault(each["network"], []).append((each["point"], each["row"], each["column"]))
    assert by_network["rga"] == by_network["nl"]
    assert [name for name, *_ in by_network["rga"]] == ["centre", "most attended", "least attended"]
    flags = {
        line.text for row in read_results(tmp_path / "f").manifest.rows for p in row[4:6] for line in p.lines
    }
    assert "flat relations" in flags  # the non-local block is untrained


def test_matrices_of_channels_in_one_order(place, tmp_path):
    answer = rgaviz.relations(
        [place / "rga.pt"] * 2, [place], tmp_path / "out", channels=True, layer="conv3", figure=FAST
    )
    first, second = answer.found
    assert sorted(first["order"]) == list(range(32))
    assert first["order"] == second["order"]
    assert first["pictures"] == 2
    checkpoint = rgaviz.load_checkpoint(place / "rga.pt")
    inputs = checkpoint.inputs([place / "large.png", place / "small.png"])
    matrix, mask = (each.mean(0) for each in channel_relations(checkpoint.model, inputs, "conv3"))
    order = first["order"]
    results = read_results(tmp_path / "out")
    found = results.map(results.manifest.pictures[0].id, first["network"], "conv3/channels")
    np.testing.assert_allclose(found, matrix[np.ix_(order, order)], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(first["attention"], mask[order], rtol=1e-5)
    assert first["highest"] == sorted(np.argsort(-mask)[:2].tolist())
    panel = results.manifest.rows[0][0]
    assert [round(mark.x * 32 - 0.5) for mark in panel.marks] == [
        place for place, channel in enumerate(order) if channel in first["highest"]
    ]
    assert results.table("channels")[0][:2] == ["place", "channel"]
    assert [path.name for path in answer.files] == ["channel-relations.png"]


def test_blocks_of_alike_channels_stand_together():
    groups = np.array([0, 1, 0, 1, 2, 0, 2, 1])
    noise = np.random.default_rng(0).random((8, 8)) / 100
    matrix = (groups[:, None] == groups[None]) + noise
    ordered = groups[clustered(matrix)]
    assert np.count_nonzero(np.diff(ordered)) == 2
    assert sorted(clustered(np.zeros((4, 4)))) == [0, 1, 2, 3]
    assert clustered(np.ones((2, 2))).tolist() == [0, 1]


@pytest.mark.parametrize("given", ["12", "a,b", "1,2,3", "-1,2", "nan,1", [(1,)], [None], [], [(0, 0)] * 51])
def test_what_is_no_point(given):
    with pytest.raises(RgavizError, match="--point"):
        parse_points(given)


def test_points():
    assert parse_points("auto") is None
    assert parse_points("1,2.5") == [(1.0, 2.5)]
    assert parse_points([(3, 4), "0,0"]) == [(3.0, 4.0), (0.0, 0.0)]


@pytest.mark.parametrize(
    ("network", "options", "told"),
    [
        ("plain", {}, "no spatial relations"),
        ("nl", {"channels": True}, "no channel relations"),
        ("rga", {"layer": "conv9"}, "Unknown layer"),
        ("rga", {"points": [(500, 2)]}, "has 80x60 pixels"),
    ],
)
def test_refusals_leave_nothing(place, tmp_path, network, options, told):
    with pytest.raises(RgavizError, match=told):
        rgaviz.relations(place / f"{network}.pt", place / "large.png", tmp_path / "out", **options)
    assert not any(tmp_path.iterdir())


def test_layers_of_other_widths_have_no_order_in_common(place, tmp_path):
    model = create_model("resnet20", "rga-c", num_classes=2, image_size=(32, 32), attention_layers=["conv2"])
    other = tmp_path / "other.pt"
    rgaviz.save_checkpoint(other, model, classes=["a", "b"], mean=(0.5,) * 3, std=(0.25,) * 3)
    with pytest.raises(RgavizError, match="other numbers of channels"):
        rgaviz.relations([place / "rga.pt", other], place / "small.png", tmp_path / "out", channels=True)
