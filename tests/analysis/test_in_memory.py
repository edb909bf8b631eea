"""Networks and pictures that a caller has in memory."""

import tempfile

import numpy as np
import pytest
import torch
import torchvision
from own_networks import write_nets
from PIL import Image

import rgaviz
from rgaviz.data.pictures import network_input
from rgaviz.errors import RgavizError
from rgaviz.explain.making import Making, box_above, made
from rgaviz.explain.targets import scored
from rgaviz.own_code import own_object
from rgaviz.results.reader import read_results

SMALL = {"image_size": (32, 32), "mean": (0.5,) * 3, "std": (0.25,) * 3}
DRAWN = {"figure": {"dpi": 50, "formats": ["png"]}, **SMALL}


@pytest.fixture
def pair(tmp_path):
    """A network of torchvision and one of the user's, in train mode."""
    torch.manual_seed(0)
    ours = own_object(f"{write_nets(tmp_path)}:Gated")(4)
    return {"SqueezeNet": torchvision.models.squeezenet1_1(num_classes=4).eval(), "Ours (RGA)": ours.train()}


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)


def test_modules_and_arrays_are_compared_by_the_callers_names(pair, picture, tmp_path):
    states = [
        {name: value.clone() for name, value in network.state_dict().items()} for network in pair.values()
    ]
    answer = rgaviz.compare(
        pair, [picture, Image.fromarray(picture)], tmp_path / "f.png", gates={"att.?a": None}, **DRAWN
    )
    assert [network.training for network in pair.values()] == [False, True]
    for before, network in zip(states, pair.values(), strict=True):
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
        noted = {"config", "rgaviz_config", "rgaviz_gate"}
        assert not any(noted & vars(module).keys() for module in network.modules())
    assert list(answer.told) == ["picture-1.png", "picture-2.png"]
    assert answer.told["picture-1.png"] == answer.told["picture-2.png"]
    manifest = read_results(answer.folder).manifest
    assert [each["id"] for each in manifest.checkpoints] == ["SqueezeNet", "Ours (RGA)"]
    assert manifest.titles[-1] == "Ours (RGA) mask (att)"


def test_the_maps_are_those_of_the_plain_functions(pair, picture, tmp_path):
    network = pair["Ours (RGA)"]
    answer = rgaviz.show_cam(network, picture, layer=network.body, **SMALL)
    inputs = network_input(picture, (32, 32), SMALL["mean"], SMALL["std"])[None]
    expected = rgaviz.cam(network, inputs, layer="body")["gradcam"][0]
    found = read_results(answer.folder).map("0", "Gated", "gradcam")
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_figure_shows_itself_and_is_saved_and_is_gone_with_its_answer(pair, picture, tmp_path):
    answer = rgaviz.show_masks(pair["Ours (RGA)"], picture, gates="att.sa", **SMALL)
    assert answer._repr_png_().startswith(b"\x89PNG")
    paths = answer.save(tmp_path / "mask.svg", names=["RGA, ours"], dpi=60)
    assert paths[0].name == "mask.svg"
    assert "RGA, ours" in paths[0].read_text()
    folder = answer.folder
    assert folder.is_dir()
    del answer
    assert not folder.exists()


def test_a_figure_that_cannot_be_leaves_nothing(pair, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = set(tmp_path.iterdir())
    for draw, told in ((rgaviz.show_masks, "no masks"), (rgaviz.show_cam, "nowhere")):
        with pytest.raises(RgavizError, match=told):
            draw(pair["Ours (RGA)"], picture, layer="nowhere", **SMALL)
    assert set(tmp_path.iterdir()) == there


@pytest.mark.parametrize("target", ["class 2", "2"])
def test_a_class_by_name(pair, picture, tmp_path, target):
    answer = rgaviz.show_cam(pair["Ours (RGA)"], picture, target=target, methods="layercam", **SMALL)
    panel = read_results(answer.folder).manifest.rows[0][1]
    assert panel.values["target"] == "class 2"


def test_checkpoints_and_paths_beside_modules(pair, picture, tmp_path):
    own = rgaviz.create_model("resnet20", "rga-s", num_classes=4)
    saved = {"classes": list("abcd"), "mean": SMALL["mean"], "std": SMALL["std"]}
    rgaviz.save_checkpoint(tmp_path / "rga.pt", own, **saved)
    checkpoint = rgaviz.load_checkpoint(tmp_path / "rga.pt")
    answer = rgaviz.compare([checkpoint, tmp_path / "rga.pt", own], picture, tmp_path / "f.png", **DRAWN)
    told = answer.told["picture-1.png"]
    assert len(told) == 3
    assert len({each.values["confidence"] for each in told.values()}) == 1


@pytest.mark.parametrize(
    ("networks", "options", "told"),
    [
        ([3], {}, "a value of type int"),
        ({"a": None}, {}, "not None"),
        ("modules", {"layer": torch.nn.Conv2d(3, 3, 1)}, "does not have that Conv2d"),
        ("modules", {"image_size": (1, 1)}, r"image_size=\(H, W\)"),
    ],
)
def test_what_cannot_be_meant_is_one_line(pair, picture, tmp_path, networks, options, told):
    given = list(pair.values()) if networks == "modules" else networks
    with pytest.raises(RgavizError, match=told):
        rgaviz.compare(given, picture, tmp_path / "f.png", **{**DRAWN, **options})


@pytest.mark.parametrize("given", [[None, "a.png"], np.zeros((2, 3)), [np.zeros((4, 4, 3))]])
def test_what_is_no_picture(pair, given):
    with pytest.raises(RgavizError):
        rgaviz.show_cam(pair["Ours (RGA)"], given, **SMALL)


def test_boxes_signs_and_contrasts(pair, picture, tmp_path):
    network = pair["Ours (RGA)"]
    answer = rgaviz.show_cam(
        network,
        picture,
        target="contrast:class 2,class 0",
        boxes=0.5,
        making=Making("flip", signed=True),
        **SMALL,
    )
    inputs = network_input(picture, (32, 32), SMALL["mean"], SMALL["std"])[None]
    asked = {"cam_layer": "att.conv", "methods": ["gradcam"], "target": scored(lambda x: x[:, 2] - x[:, 0])}
    panel = read_results(answer.folder).manifest.rows[0][1]
    assert panel.values["target"] == "class 2 rather than class 0"
    assert panel.map.group == "signed"
    values = read_results(answer.folder).map("0", "Gated", "gradcam")
    layer = read_results(answer.folder).manifest.checkpoints[0]["cam_layer"]
    expected = made(
        network.eval(), inputs, **{**asked, "cam_layer": layer}, making=Making("flip", signed=True)
    )
    np.testing.assert_allclose(values, expected.cams["gradcam"][0, 0], atol=1e-6)
    box = box_above(values, (24, 30), 0.5)
    assert answer.to_dict()["boxes"] == {"picture-1.png": {"Gated/gradcam": list(box)}}
    drawn = panel.boxes[0]
    assert (round(drawn.left * 30), round(drawn.bottom * 24)) == (box[0], box[3])


@pytest.mark.parametrize(
    "axes", [(24, 30), (24, 30, 6), (6, 24, 30)], ids=["grey", "bands last", "bands first"]
)
def test_arrays_of_other_channels(tmp_path, axes):
    values = np.random.default_rng(0).integers(0, 256, axes, np.uint8)
    name = "Grey" if values.ndim == 2 else "bands"
    network = own_object(f"{write_nets(tmp_path)}:{name}")()
    answer = rgaviz.show_cam(network, values, image_size=(32, 32))
    last = values[..., None] if values.ndim == 2 else values if axes[2] == 6 else values.transpose(1, 2, 0)
    shown = np.asarray(Image.open(answer.folder / "pictures" / "0.png"))
    np.testing.assert_array_equal(shown, np.repeat(last, 3, axis=2) if name == "Grey" else last[..., :3])


@pytest.mark.parametrize("kind", ["multilabel", "sigmoid"])
def test_a_sigmoid_inside_the_network_is_not_put_on_top_of_itself(picture, tmp_path, kind):
    """What training with a plain binary cross-entropy needs; the answers are those of the network without it."""
    torch.manual_seed(0)
    logits = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    ).eval()
    networks, said, answers = (logits, torch.nn.Sequential(logits, torch.nn.Sigmoid())), ([], []), []
    for place, network in enumerate(networks):
        settings = {"outputs": kind, "say": said[place].append, **DRAWN}
        answer = rgaviz.compare(
            {"a": network, "b": network}, [picture], tmp_path / f"{place}.png", **settings
        )
        answers.append(next(iter(answer.told.values()))["a"].values)
    assert answers[0]["confidence"] == pytest.approx(answers[1]["confidence"], abs=1e-6)
    assert answers[0]["label"] == answers[1]["label"]
    assert ["sigmoid already" in " ".join(lines) for lines in said] == [False, True]


def test_a_label_may_have_a_comma(picture, tmp_path):
    """As it is typed without quotes, and so taken for two."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_1(num_classes=3).eval()
    more = {"classes": ["dog, the", "cat", "1,2"], **DRAWN}
    for labels, known in ((["dog", "the"], "dog, the"), (["1", "2"], "1,2"), (["cat"], "cat")):
        answer = rgaviz.show_cam(network, picture, labels=labels, **more)
        assert [each.label for each in read_results(answer.folder).manifest.pictures] == [known]
    with pytest.raises(RgavizError, match="Unknown label 'dog'"):
        rgaviz.show_cam(network, picture, labels=["dog", "cat"], **more)
