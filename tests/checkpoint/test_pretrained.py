"""A fresh network begins with a trained backbone: torchvision's, a checkpoint's, a state_dict's."""

from __future__ import annotations

import urllib.error

import pytest
import torch
import torchvision
from official_network import random_network
from parametrised import rare

from rgaviz.checkpoint import initialise, pretrained, save_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model
from rgaviz.models.network import shapes_only
from rgaviz.training.start import recipe_settings


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty cache and no network; returns the folder where torch keeps downloads."""

    def no_network(*_, **__):
        raise urllib.error.URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def small(arch="resnet18-w16", attention="none", *, seed, **options):
    """A network whose running statistics have seen something."""
    torch.manual_seed(seed)
    options = {"width": 4, "s1": 2, "s2": 2, "num_classes": 3, "image_size": (12, 14), **options}
    model = create_model(arch, attention, **options).train()
    with torch.no_grad():
        model(torch.randn(8, 3, *options["image_size"]))
    return model


def saved(path, model):
    names = [str(index) for index in range(model.config["num_classes"])]
    save_checkpoint(path, model, classes=names, mean=(0.5,) * 3, std=(0.5,) * 3)
    return str(path)


def copy(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def refused(model, pretrained, error=CheckpointError):
    """The one line; the network is as it was."""
    before = copy(model)
    with pytest.raises(error) as caught:
        initialise(model, str(pretrained))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_none_leaves_everything():
    model = small(seed=0)
    before = copy(model)
    assert initialise(model, "none") == []
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("attention", ["none", "rga-sc"])
def test_torchvisions_weights(hub, attention):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18()
    torch.save(theirs.state_dict(), hub / torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2])
    torch.manual_seed(1)
    model = create_model("resnet18", attention, num_classes=3, image_size=(96, 80), s1=2, s2=2)
    before, drawn = copy(model), torch.random.get_rng_state()
    notes = initialise(model, "torchvision")
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert notes[0].startswith("11,176,512 of its 1")
    assert ("of its attention begin fresh." in notes[0]) == (attention != "none")
    assert notes[1:] == [
        "the head of torchvision does not fit (fc.weight 1000x512 instead of 3x512, fc.bias 1000 instead of 3): "
        "it begins fresh."
    ]
    for key, value in model.state_dict().items():
        fresh = key.startswith(("attention.", "fc."))
        assert torch.equal(value, (before if fresh else theirs.state_dict())[key]), key


def test_a_head_that_fits_is_taken(hub):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().eval()
    torch.save(theirs.state_dict(), hub / torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2])
    model = create_model("resnet18", num_classes=1000, image_size=(72, 72), last_stride=2).eval()
    assert initialise(model, "torchvision") == [
        "11,689,512 of its 11,689,512 weights are those of torchvision."
    ]
    images = torch.randn(2, 3, 72, 72)
    with torch.no_grad():
        torch.testing.assert_close(model(images), theirs(images))


def test_without_network(hub):
    with torch.device("meta"):
        model = create_model("resnet50", image_size=(256, 128))
    with pytest.raises(CheckpointError) as caught:
        initialise(model, "torchvision")
    line = str(caught.value)
    assert line.startswith("torchvision:resnet50@IMAGENET1K_V2: its weights are not in /")
    assert "/torch/hub/checkpoints and cannot be downloaded " in line
    assert "Fetch https://download.pytorch.org/models/resnet50-11ad3fa6.pth" in line
    assert line.endswith("put it there, or take pretrained=none (fresh weights).")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("arch", "options", "told"),
    [
        (
            "resnet20",
            {},
            "torchvision has no weights for resnet20, only for resnet18, resnet34, resnet50, resnet101;",
        ),
        ("resnet18-w16", {"width": 64}, "torchvision has no weights for resnet18-w16"),
        ("resnet18", {"width": 16, "image_size": (96, 96)}, "for width=64, stem=imagenet, not width=16;"),
        ("resnet18", {}, "for width=64, stem=imagenet, not stem=small;"),
    ],
)
def test_networks_that_torchvision_has_no_weights_for(arch, options, told):
    assert told in refused(create_model(arch, **options), "torchvision", RgavizError)


@pytest.mark.parametrize("kind", ["checkpoint", "state_dict", "wrapped"])
def test_a_file(tmp_path, kind):
    """The attention of neither network moves."""
    source, path = small(attention="rga-s", seed=0), tmp_path / "weights.pt"
    if kind == "checkpoint":
        saved(path, source)
    else:
        state = {
            key: value
            for key, value in source.state_dict().items()
            if kind == "wrapped" or "attention" not in key
        }
        prefixed = {f"module.{key}": value for key, value in state.items()}
        torch.save(state if kind == "state_dict" else {"state_dict": prefixed, "epoch": 1}, path)
    model = small(attention="rga-sc", seed=1)
    before = copy(model)
    (note,) = initialise(model, str(path))
    assert f" weights are those of {path}; the " in note
    assert note.endswith(" of its attention begin fresh.")
    for key, value in model.state_dict().items():
        assert torch.equal(value, (before if "attention." in key else source.state_dict())[key]), key
    assert not torch.equal(model.conv1.weight, before["conv1.weight"])


@pytest.mark.parametrize("arch", ["resnet20", rare("densenet-bc100")])
def test_another_head_begins_fresh(tmp_path, arch):
    source = small(arch, seed=0)
    model = small(arch, head="bnneck", num_classes=5, seed=1)
    before = copy(model)
    _, note = initialise(model, saved(tmp_path / "a.pt", source))
    head = "classifier" if arch == "densenet-bc100" else "fc"
    assert all(part in note for part in ("neck.weight", "more", "it begins fresh"))
    for key, value in model.state_dict().items():
        fresh = key.startswith(("neck.", f"{head}."))
        assert torch.equal(value, (before if fresh else source.state_dict())[key]), key


@pytest.mark.slow
def test_the_authors_own_weights(tmp_path):
    state = random_network("rgas", 5).state_dict()
    torch.save(state, tmp_path / "theirs.pth")
    with torch.device("meta"):
        empty = create_model("resnet50", num_classes=7, image_size=(128, 96), head="bnneck")
    model = empty.to_empty(device="cpu")
    notes = initialise(model, str(tmp_path / "theirs.pth"))
    assert torch.equal(model.layer3[0].conv2.weight, state["backbone.layer3.0.conv2.weight"])
    assert torch.equal(model.neck.running_mean, state["feat_bn.running_mean"])
    taken, head = notes
    assert taken.startswith("23,512,128 of its 23,526,464 weights are those of ")
    assert "does not fit (fc.weight 5x2048 instead of 7x2048): it begins fresh" in head


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"stem": "imagenet"}, "has the stem imagenet, this resnet18-w16 small; set stem=imagenet"),
        ({"width": 8}, "does not fit resnet18-w16: of another shape conv1.weight 8x3x3x3 instead of 4x3x3x3"),
        ({"arch": "resnet34"}, "does not fit resnet18-w16: unexpected layer1.1.conv1.weight"),
        ({"arch": "resnet20"}, "does not fit resnet18-w16: missing layer2.0.downsample.0.weight"),
    ],
)
def test_weights_of_another_network(tmp_path, source, told):
    path = saved(tmp_path / "a.pt", small(**source, seed=0))
    line = refused(small(seed=1), path)
    assert line.startswith(f"{path} ")
    assert told in line


def test_files_that_are_no_weights(tmp_path):
    model = small(seed=0)
    assert "does not exist" in refused(model, tmp_path / "imagenet")
    torch.save({"a": 1}, tmp_path / "a.pt")
    assert "nor weights" in refused(model, tmp_path / "a.pt")
    state = copy(model)
    state["bn1.bias"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    assert "bn1.bias holds NaN" in refused(model, tmp_path / "nan.pt")


@pytest.mark.parametrize("attention", ["none", "cbam-cs"])
def test_a_librarys_network_begins_with_a_file(tmp_path, attention):
    """Its own names; the slots and a head of another size stay fresh, which is told."""
    torch.manual_seed(0)
    theirs = create_model("timm:test_resnet", num_classes=7, image_size=(64, 64))
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "theirs.pth")
    torch.manual_seed(1)
    model = create_model("timm:test_resnet", attention, num_classes=3, image_size=(64, 64))
    before = copy(model)
    notes = initialise(model, str(tmp_path / "theirs.pth"))
    for key, value in model.state_dict().items():
        fresh = key.startswith(("attention.", "fc."))
        assert torch.equal(value, (before if fresh else theirs.state_dict())[key]), key
    assert ("of its attention begin fresh" in notes[0]) == (attention != "none")
    assert notes[1].endswith("(fc.weight 7x96 instead of 3x96, fc.bias 7 instead of 3): it begins fresh.")


@pytest.mark.parametrize("words", ["torchvision", "torchvision:squeezenet1_1"])
def test_a_librarys_network_begins_with_its_weights(hub, words):
    weights = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    torch.manual_seed(0)
    theirs = torchvision.models.squeezenet1_1().state_dict()
    torch.save(theirs, hub / weights.url.rpartition("/")[2])
    model = create_model("torchvision:squeezenet1_1", "se", num_classes=3, image_size=(64, 64))
    notes = initialise(model, words)
    assert torch.equal(model.features[0].weight, theirs["features.0.weight"])
    assert f"weights are those of {words}; the " in notes[0]
    assert "classifier.1.weight 1000x512x1x1 instead of 3x512x1x1" in notes[1]


def test_ours_begins_with_weights_named_in_full(hub):
    theirs = torchvision.models.resnet18().state_dict()
    torch.save(theirs, hub / torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2])
    model = create_model("resnet18", num_classes=3, image_size=(96, 96))
    initialise(model, "torchvision:resnet18@IMAGENET1K_V1")
    assert torch.equal(model.conv1.weight, theirs["conv1.weight"])
    other = create_model("resnet34", image_size=(96, 96))
    assert "does not fit resnet34: missing layer1.2" in refused(other, "torchvision:resnet18")


def test_the_option_is_the_recipes_setting():
    assert recipe_settings("shapes", init="torchvision:resnet18").model.pretrained == "torchvision:resnet18"
    assert recipe_settings("shapes").model.pretrained == "none"


@pytest.mark.parametrize("depth", [18, 50, 101])
def test_dilated_networks_begin_with_torchvisions_weights(monkeypatch, depth):
    with shapes_only():
        theirs = getattr(torchvision.models, f"resnet{depth}")()
    state = {key: torch.full((), 0.5).expand(value.shape) for key, value in theirs.state_dict().items()}
    monkeypatch.setattr(pretrained, "_of_torchvision", lambda config: state)
    with shapes_only():
        model = create_model(f"dilated-resnet{depth}", "rga-sc", num_classes=3, image_size=64)
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for value in model.state_dict().values():
            value.zero_()
    initialise(model, "torchvision")
    own = model.state_dict()
    begun = {key for key, value in own.items() if value.is_floating_point() and bool((value == 0.5).all())}
    assert begun == {key for key in state if not key.startswith("fc.") and own[key].is_floating_point()}
