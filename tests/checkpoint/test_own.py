"""Networks of the user's own code: what is taken, what runs, what is said."""

import functools
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from own_networks import write_nets
from pictures import save_picture
from PIL import Image

import rgaviz
from rgaviz.analysis.cam import cam as draw_cams
from rgaviz.checkpoint import load_record
from rgaviz.data.channels import shown_channels
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.own_code import own_object

SIZE = (16, 16)


@pytest.fixture
def nets(tmp_path):
    """The path of a file with networks, and weights of each beside it."""
    path = write_nets(tmp_path)
    torch.manual_seed(0)
    for name in ("Gated", "Grey", "bands"):
        torch.save(own_object(f"{path}:{name}")().state_dict(), tmp_path / f"{name}.pth")
    several = own_object(f"{path}:Several")(5)
    state = {f"module.{key}": value for key, value in several.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "Several.pth")
    return path


def load(nets, name, **options):
    return rgaviz.load_checkpoint(nets.with_name(f"{name}.pth"), f"{nets}:{name}", image_size=SIZE, **options)


def test_weights_and_outputs_are_those_of_the_network(nets):
    checkpoint = load(nets, "Gated")
    network = own_object(f"{nets}:Gated")()
    network.load_state_dict(torch.load(nets.with_name("Gated.pth"), weights_only=True))
    x = torch.randn(2, 3, *SIZE)
    torch.testing.assert_close(checkpoint.model(x), network.eval()(x))
    assert len(checkpoint.classes) == 4
    assert re.fullmatch(rf"<Checkpoint .*: {nets}:Gated, 4 classes, 16x16>", repr(checkpoint))


def test_what_makes_the_network_or_a_network_itself(nets, tmp_path):
    path = nets.with_name("Gated.pth")
    made, network = own_object(f"{nets}:Gated"), own_object(f"{nets}:Gated")(4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    expected = load(nets, "Gated").model.state_dict()
    for arch in (made, network, lambda num_classes: made(num_classes), functools.partial(made, 4)):
        checkpoint = rgaviz.load_checkpoint(path, arch, image_size=SIZE)
        torch.testing.assert_close(checkpoint.model.state_dict(), expected)
        assert (type(checkpoint.config["arch"]), len(checkpoint.classes)) == (str, 4)
    torch.testing.assert_close(dict(network.state_dict()), before)
    saved = {"classes": list("abcd"), "mean": (0.5,) * 3, "std": (0.25,) * 3}
    rgaviz.save_checkpoint(tmp_path / "own.pt", network, factory="nets.py:Gated", image_size=16, **saved)
    torch.testing.assert_close(
        rgaviz.load_checkpoint(tmp_path / "own.pt", made).model.state_dict(), network.state_dict()
    )
    with pytest.raises(RgavizError, match="arch is a name, a function"):
        rgaviz.load_checkpoint(path, 3)  # pyright: ignore[reportArgumentType]


def test_the_head_says_how_many_classes(nets):
    torch.save(own_object(f"{nets}:Gated")(7).state_dict(), nets.with_name("Gated.pth"))
    assert len(load(nets, "Gated").classes) == 7


def test_attributes_of_the_users_are_left_alone_and_grey_pictures_are_grey(nets, tmp_path):
    checkpoint = load(nets, "Grey", mean="0.5", std=[0.25])
    assert (checkpoint.model.config, checkpoint.model.task) == ("mine", "digits")
    assert checkpoint.channels == 1
    values = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    (found,) = checkpoint.inputs([tmp_path / "grey.png"])
    np.testing.assert_allclose(found[0], (values / 255 - 0.5) / 0.25, atol=1e-6)
    assert checkpoint.task.name == "classification"
    assert len(checkpoint.predict(tmp_path / "grey.png")) == 1


def test_a_grey_network_takes_grey_arrays(nets):
    checkpoint = load(nets, "Grey", mean="0.5", std=[0.25])
    values = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
    expected = (values[None, None] / 255 - 0.5) / 0.25
    for given in (values, values[..., None], [values], np.repeat(values[..., None], 3, axis=2)):
        np.testing.assert_allclose(checkpoint.inputs(given), expected, atol=1e-6)
    with pytest.raises(RgavizError, match="is RGB"):
        load(nets, "Gated").inputs(values)


def test_one_of_several_outputs(nets, tmp_path):
    picture = save_picture(tmp_path / "a.png", seed=0)
    with pytest.raises(CheckpointError, match=r"gives maps .*, logits \(1, 5\).*--output logits"):
        load(nets, "Several")
    checkpoint = load(nets, "Several", output="logits")
    with torch.no_grad():
        expected = checkpoint.model(checkpoint.inputs(picture)).logits.softmax(1).max()
    assert checkpoint.predict(picture)[0].confidence == pytest.approx(float(expected))
    assert rgaviz.cam(checkpoint, [picture], layer="features")["gradcam"].shape == (1, 8, 8)


@pytest.mark.parametrize("layout", ["last", "first", "tiff"])
def test_six_channels(nets, tmp_path, layout):
    checkpoint = load(nets, "bands", show_channels="6,2,1")
    values = np.random.default_rng(0).integers(0, 65536, (*SIZE, 6), dtype=np.uint16)
    path = tmp_path / ("bands.tif" if layout == "tiff" else "bands.npy")
    if layout == "tiff":
        first, *others = [Image.fromarray(values[..., band]) for band in range(6)]
        first.save(path, save_all=True, append_images=others)
    else:
        np.save(path, values if layout == "last" else values.transpose(2, 0, 1))
    (found,) = checkpoint.inputs([path])
    np.testing.assert_allclose(found, (values.transpose(2, 0, 1) / 65535 - 0.5) / 0.25, atol=1e-5)
    answer = draw_cams([nets.with_name("bands.pth")], [path], tmp_path / "f", layer="0",
    arch=f"{nets}:bands",
        image_size=SIZE, show_channels="6,2,1", figure={"dpi": 50, "formats": ["png"]})  # fmt: skip
    shown = np.asarray(Image.open(answer.folder / "pictures" / "0.png"))
    np.testing.assert_array_equal(shown, np.round(values[..., [5, 1, 0]] / 65535 * 255))


@pytest.mark.parametrize(
    ("shown", "told"),
    [("7,2,1", "asks for channel 7, .* have 6"), ("1,2", "not one or three"), ("0,1,2", "from 1")],
)
def test_channels_that_cannot_be_shown(nets, shown, told):
    with pytest.raises(RgavizError, match=told):
        load(nets, "bands", show_channels=shown)


def test_one_channel_is_shown_as_grey(nets, tmp_path):
    assert load(nets, "bands").shown == (0, 1, 2)
    values = np.random.default_rng(0).random((*SIZE, 6), np.float32)
    shown = shown_channels(values, load(nets, "bands", show_channels=[5]).shown)
    np.testing.assert_array_equal(shown, np.repeat(np.round(255 * values[..., 4:5]), 3, axis=2))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((4, 4, 5), np.uint8), "takes 6 channels"),
        (np.full((4, 4, 6), 7.5), "scale it to 0 to 1"),
        (np.array(["x"] * 6, object), "too large"),
        (np.full((4, 4, 6), np.nan), "scale it to 0 to 1"),
    ],
)
def test_pictures_of_other_channels_are_refused_in_one_line(nets, tmp_path, values, told):
    np.save(tmp_path / "x.npy", values, allow_pickle=True)
    with pytest.raises(RgavizError, match=told):
        load(nets, "bands").inputs([tmp_path / "x.npy"])
    with pytest.raises(RgavizError, match="three channels"):
        load(nets, "bands").inputs([save_picture(tmp_path / "a.png", seed=0)])


def outputs(nets, kind, logits, truth="b"):
    checkpoint = load(nets, "Gated", outputs=kind)
    return checkpoint.task.told(torch.tensor([logits]), ["a", "b", "c", "d"], [truth])[0]


def test_kinds_of_outputs(nets):
    logits = [0.0, 2.0, -3.0, 1.0]
    soft = outputs(nets, "softmax", logits)
    assert soft.values["confidence"] == pytest.approx(float(torch.tensor(logits).softmax(0).max()))
    assert outputs(nets, "sigmoid", logits).values["confidence"] == pytest.approx(0.8808, abs=1e-4)
    several = outputs(nets, "multilabel", logits)
    assert [(line.text, line.right) for line in several.lines] == [("b 88%", True), ("d 73%", False)]
    assert several.values["labels"] == "b+d"
    numbers = outputs(nets, "value", logits)
    assert numbers.values == {"a": 0.0, "b": 2.0, "c": -3.0, "d": 1.0}
    assert numbers.lines[2].text == "c −3"
    assert load(nets, "Gated", outputs="value").task.targets == ("value",)
    with pytest.raises(RgavizError, match="kind of outputs"):
        load(nets, "Gated", outputs="logit")


def test_several_labels_are_each_right_or_wrong(nets):
    logits = [3.0, 2.0, -3.0, 1.0]
    told = outputs(nets, "multilabel", logits, "d+a")
    assert [(line.text, line.right) for line in told.lines] == [
        ("a 95%", True),
        ("b 88%", False),
        ("d 73%", True),
    ]
    task = load(nets, "Gated", outputs="multilabel").task
    task.truth("a + c", ["a", "b", "c"])
    with pytest.raises(RgavizError, match="Unknown label 'e'"):
        task.truth("a+e", ["a", "b"])
    with pytest.raises(RgavizError, match=r"Unknown label 'a\+b'"):
        load(nets, "Gated").task.truth("a+b", ["a", "b"])


def test_labels_that_are_missed_or_none_are_told(nets):
    """A map is about the most probable label: the answer is called so only where it is that label alone."""

    def lines(logits, truth):
        told = outputs(nets, "multilabel", logits, truth)
        return [(line.text, line.right) for line in told.lines], told.says

    two, none = [3.0, 2.0, -3.0, -1.0], [-3.0, -2.0, -3.0, -1.0]
    assert lines(two, "a+b+c") == ([("a 95%", True), ("b 88%", True), ("missed: c", False)], "")
    assert lines(two, "a+b") == ([("a 95%", True), ("b 88%", True)], "")
    assert lines(none, "none") == ([("none above 50% (d 27%)", True)], "")
    assert lines(none, "a") == ([("none above 50% (d 27%)", False), ("missed: a", False)], "")
    assert lines([3.0, -2.0, -3.0, -1.0], "a") == ([("a 95%", True)], "a")
    assert outputs(nets, "multilabel", none, None).values["labels"] == ""


def test_values_have_names_of_their_own(nets):
    assert load(nets, "Gated", outputs="value").classes == ["value 0", "value 1", "value 2", "value 3"]
    task = load(nets, "Gated", outputs="value").task
    assert [line.text for line in task.told(torch.tensor([[-1.5]]), ["x-ray"], [None])[0].lines] == [
        "x-ray −1.5"
    ]


@pytest.mark.parametrize("kind", ["value", "multilabel"])
def test_what_is_measured_of_classes_is_of_no_other_outputs(nets, kind):
    with pytest.raises(RgavizError, match=f"these outputs are {kind}"):
        load(nets, "Gated", outputs=kind).task.measuring()


def test_an_output_is_chosen_where_there_are_several(nets, tmp_path):
    picture = save_picture(tmp_path / "a.png", seed=0)
    plain, chosen = load(nets, "Gated"), load(nets, "Gated", output="logits")
    assert plain.predict(picture) == chosen.predict(picture)


def test_a_file_never_runs_code_by_itself(nets, tmp_path):
    marker = tmp_path / "ran"
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(marker)!r}, 'w')\n" + Path(nets).read_text())
    network = own_object(f"{nets}:Gated")(4)
    saved = {"classes": list("abcd"), "mean": (0.5,) * 3, "std": (0.25,) * 3}
    rgaviz.save_checkpoint(tmp_path / "own.pt", network, factory=f"{evil}:Gated", image_size=16, **saved)
    assert not marker.exists()
    with pytest.raises(CheckpointError, match=re.escape(f"name it: --arch {evil}:Gated") + "$"):
        rgaviz.load_checkpoint(tmp_path / "own.pt")
    with pytest.raises(CheckpointError, match="does not run because a file says so"):
        rgaviz.load_checkpoint(tmp_path / "own.pt", "resnet18")
    assert not marker.exists()
    loaded = rgaviz.load_checkpoint(
        tmp_path / "own.pt", f"{nets}:Gated"
    )  # what is said now, not what stands there
    assert not marker.exists()
    x = torch.randn(1, 3, 16, 16)
    torch.testing.assert_close(loaded.model(x), network.eval()(x))


def test_what_a_file_says_of_its_training_needs_no_code(nets, tmp_path):
    network = own_object(f"{nets}:Gated")(4)
    saved = {"classes": list("abcd"), "mean": (0.5,) * 3, "std": (0.25,) * 3, "history": [{"epoch": 1}]}
    rgaviz.save_checkpoint(tmp_path / "own.pt", network, factory="no/such.py:Gated", image_size=16, **saved)
    record = load_record(tmp_path / "own.pt")
    assert record.parameters == sum(value.numel() for value in network.parameters())
    assert (record.history, record.task.name) == ([{"epoch": 1}], "classification")
    assert (record.config["arch"], record.config["attention"]) == ("no/such.py:Gated", "none")
    document = torch.load(tmp_path / "own.pt", weights_only=True)
    document["config"]["attention"] = torch.ones(2)
    torch.save(document, tmp_path / "own.pt")
    with pytest.raises(CheckpointError, match="no plain values"):
        load_record(tmp_path / "own.pt")


def test_saved_with_its_factory_and_its_outputs(nets, tmp_path):
    network = own_object(f"{nets}:Several")(3)
    saved = {"classes": list("abc"), "mean": (0.5,) * 3, "std": (0.25,) * 3, "outputs": "multilabel"}
    saved |= {"output": "logits"}
    with pytest.raises(RgavizError, match="factory="):
        rgaviz.save_checkpoint(tmp_path / "own.pt", network, **saved)
    with pytest.raises(RgavizError, match="image_size="):
        rgaviz.save_checkpoint(tmp_path / "own.pt", network, factory="nets.py:Several", **saved)
    rgaviz.save_checkpoint(
        tmp_path / "own.pt", network, factory="nets.py:Several", image_size=(16, 16), **saved
    )
    loaded = rgaviz.load_checkpoint(tmp_path / "own.pt", f"{nets}:Several")
    assert (loaded.output, loaded.outputs, loaded.image_size) == ("logits", "multilabel", (16, 16))
    assert "labels" in loaded.told(save_picture(tmp_path / "a.png", seed=0))[0].values


def test_each_file_its_own_network(nets, tmp_path):
    source = f"{nets.with_name('Gated.pth')}@{nets}:Gated"
    picture = save_picture(tmp_path / "a.png", seed=0)
    other = tmp_path / "other.pt"
    model = rgaviz.create_model("resnet20", "rga-s", image_size=16)
    rgaviz.save_checkpoint(other, model, classes=list("abcdefghij"), mean=(0.5,) * 3, std=(0.25,) * 3)
    options = {"image_size": SIZE, "figure": {"dpi": 50, "formats": ["png"]}, "gates": ["*.?a"]}
    answer = rgaviz.compare([other, source], [picture], tmp_path / "f", **options)
    assert set(answer.told["a.png"]) == {"other", "Gated"}
    (tmp_path / "odd@name.pth").write_bytes(nets.with_name("Gated.pth").read_bytes())
    odd = rgaviz.load_checkpoint(tmp_path / "odd@name.pth", f"{nets}:Gated", image_size=16)
    assert len(odd.classes) == 4


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Gatd", "Did you mean 'Gated'"),
        ("fails", r"ValueError: no luck \(nets.py, line"),
        ("nothing", "not a network"),
        ("Grey", "do not fit"),
    ],
)
def test_faults_are_one_line(nets, name, told):
    with pytest.raises(RgavizError, match=told) as caught:
        rgaviz.load_checkpoint(nets.with_name("Gated.pth"), f"{nets}:{name}", image_size=SIZE)
    assert "\n" not in str(caught.value)
