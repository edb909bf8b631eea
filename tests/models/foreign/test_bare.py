"""Bare weights: what is around them is undone, only a head may differ, and nothing numpy left is run."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch

from rgaviz.errors import CheckpointError, RgavizError, UnknownNameError
from rgaviz.models import create_model
from rgaviz.models.foreign import bare

ARCH = "torchvision:squeezenet1_1"  # its head is a convolution
STATE = {"a.weight": torch.ones(2), "b.bias": torch.zeros(1)}


def same(found, expected):
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def prefixed(*prefixes):
    return {f"{''.join(prefixes)}{key}": value for key, value in STATE.items()}


@pytest.mark.parametrize(
    "document",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {"lr": 1}},
        {"model_state": STATE},
        {"model_state_dict": STATE},
        {"net": prefixed("module."), "acc": 93.0},
        {"weights": STATE},
        {"model_ema": STATE, "epoch": 3},
        {"state_dict_ema": STATE},
        {"model_ema": {"a": torch.zeros(3)}, "model": STATE},  # averages only where nothing else is
        {"model_ema": {**prefixed("module."), "n_averaged": torch.tensor(5)}},  # by PyTorch's AveragedModel
        {"model": {"name": "resnet20"}, "weights": STATE},
        {"weights": {"cross-entropy": 1.0}, "model_ema": STATE},
        {"state_dict": {"model": prefixed("module.")}},
        prefixed("module."),
        prefixed("_orig_mod."),
        prefixed("module.", "_orig_mod."),
        prefixed("_orig_mod.", "module.", "_orig_mod."),
    ],
)
def test_wrappers_are_undone(document):
    same(bare.unwrap(document), STATE)


def test_averages_as_pytorch_keeps_them():
    model = weights("resnet20", 4)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    same(bare.unwrap({"model_ema": averaged.state_dict()}), model.state_dict())


@pytest.mark.parametrize("prefixes", [("model.",), ("model.", "_orig_mod."), ("module.", "model.")])
@pytest.mark.parametrize("arch", ["resnet20", "torchvision:squeezenet1_1"])
def test_a_prefix_is_dropped_beside_other_entries(arch, prefixes):
    """Lightning saves a network under ``model.``, and beside it the loss."""
    state = weights(arch, 4).state_dict()
    lightning = {f"{''.join(prefixes)}{key}": value for key, value in state.items()}
    with pytest.raises(CheckpointError) as caught:
        bare.fit({**lightning, "criterion.weight": torch.ones(4)}, arch)
    assert str(caught.value) == (
        f"its weights do not fit {arch}: unexpected criterion.weight. All that the network needs is there: "
        "remove these entries from the state_dict and save it again."
    )


def test_of_two_copies_neither_replaces_the_other():
    state = weights("resnet20", 4).state_dict()
    with pytest.raises(CheckpointError, match=r"unexpected model\.conv1\.weight, model\.bn1"):
        bare.fit({**state, **{f"model.{key}": value for key, value in state.items()}}, "resnet20")


def test_a_prefix_that_not_every_key_has_stays():
    state = {"module.a": torch.ones(1), "b": torch.ones(1)}
    same(bare.unwrap(state), state)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": 1, "model": STATE},
        {"state_dict": {}},
        {"epoch": 3},
        [STATE],
        None,
        3,
        {"a": 1, "b": torch.ones(1)},
        {5: torch.ones(1)},
    ],
)
def test_no_state_dict(document):
    assert bare.unwrap(document) is None


def test_a_document_that_holds_itself():
    document = {}
    document["model"] = document
    assert bare.unwrap(document) is None


def weights(arch, num_classes, **options):
    torch.manual_seed(5)
    return create_model(arch, num_classes=num_classes, **options).eval()


@pytest.mark.parametrize("num_classes", [3, 1000])
@pytest.mark.parametrize("arch", [ARCH, "resnet20", "resnet18-w16", "densenet-bc100"])
def test_a_network_gets_its_weights(arch, num_classes):
    model = weights(arch, num_classes)
    found, notes, _ = bare.fit(model.state_dict(), arch)
    same(found.state_dict(), model.state_dict())
    assert notes == []
    assert found.config["image_size"] == ([224, 224] if arch == ARCH else [32, 32])
    assert found.config["num_classes"] == num_classes


def test_the_stem_tells_the_size_of_pictures():
    state = weights("resnet18-w16", 4, image_size=(224, 224)).state_dict()
    found, _, _ = bare.fit(state, "resnet18-w16")
    assert found.config["image_size"] == [224, 224]


@pytest.mark.parametrize("arch", ["resnet18-w16", "densenet-bc100"])
@pytest.mark.parametrize(
    ("trained", "wanted", "stem"), [((32, 32), (96, 128), "small"), ((128, 96), (48, 32), "imagenet")]
)
def test_the_stem_is_that_of_the_weights_at_any_size(arch, trained, wanted, stem):
    model = weights(arch, 4, image_size=trained)
    found, notes, _ = bare.fit(model.state_dict(), arch, image_size=wanted)
    assert (found.config["stem"], found.config["image_size"], notes) == (stem, list(wanted), [])
    same(found.state_dict(), model.state_dict())
    images = torch.randn(2, 3, *wanted)
    with torch.no_grad():
        assert torch.equal(found(images), model(images))


def test_old_files_without_counters():
    state = weights("resnet20", 4).state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    found, notes, _ = bare.fit(old, "resnet20")
    assert notes == []
    assert all(torch.equal(found.state_dict()[key], value) for key, value in old.items())


@pytest.mark.parametrize("num_classes", [None, 3, 4, 7])
def test_only_a_head_may_be_missing(num_classes):
    state = weights("resnet20", 4).state_dict()
    for key in ("fc.weight", "fc.bias"):
        state.pop(key)
    found, notes, _ = bare.fit(state, "resnet20", num_classes)
    again, _, _ = bare.fit(state, "resnet20", num_classes)
    assert found.config["num_classes"] == (num_classes or 1000)
    assert torch.equal(found.fc.weight, again.fc.weight)
    assert notes == ["its head does not fit (fc.weight, fc.bias): what it predicts means nothing."]
    assert all(torch.equal(found.state_dict()[key], value) for key, value in state.items())


def test_a_head_of_another_shape_or_kind():
    state = weights("resnet20", 4).state_dict()
    found, (note,), _ = bare.fit(state, "resnet20", 5)
    assert "fc.weight 4x64 instead of 5x64, fc.bias 4 instead of 5" in note
    assert found.config["num_classes"] == 5
    head = {key: state.pop(f"fc.{key}") for key in ("weight", "bias")}
    projection = {f"fc.{place}.{key}": value for place in (0, 2) for key, value in head.items()}
    _, (note,), fresh = bare.fit({**state, **projection}, "resnet20")
    assert "fc.0.weight" in note
    assert fresh


@pytest.mark.parametrize("called", ["fc.1", "classifier", "head", "classifier.1", "head.fc"])
@pytest.mark.parametrize(
    "prefix", ["", "net.", "backbone.", "network.", "model.", "model.module.", "model.net."]
)
def test_a_head_by_another_usual_name_and_a_prefix_are_taken_and_told(called, prefix):
    """As behind ``Sequential(Dropout, Linear)``, or in a network of another library."""
    state = weights("resnet20", 4).state_dict()
    renamed = {prefix + key.replace("fc.", f"{called}."): value for key, value in state.items()}
    found, notes, fresh = bare.fit(renamed, "resnet20")
    same(found.state_dict(), state)
    assert not fresh
    told = [f"names were taken without a prefix ({prefix})."] if prefix else []
    assert notes == [*told, f"its head, called {called} in the file, was taken as fc."]


@pytest.mark.parametrize("extra", ["layer1.0.att.weight", "att1.conv.weight", "layer3.1.se.fc1.weight"])
def test_modules_that_the_network_lacks_are_never_to_be_removed(extra):
    """Without them it would be a network that nobody trained."""
    state = weights("resnet20", 4).state_dict()
    with pytest.raises(CheckpointError) as caught:
        bare.fit({**state, extra: torch.ones(3, 3)}, "resnet20")
    assert "remove" not in str(caught.value)
    assert f"unexpected {extra}" in str(caught.value)
    assert "name the network that has them, your own code: --arch net.py:make" in str(caught.value)


def test_what_does_not_fit_is_listed():
    state = weights("resnet20", 4).state_dict()
    state.pop("conv1.weight")
    state["bn1.weight"] = torch.ones(5)
    state |= {f"more.{index}": torch.ones(1) for index in range(5)}
    with pytest.raises(CheckpointError) as caught:
        bare.fit(state, "resnet20")
    assert str(caught.value) == (
        "its weights do not fit resnet20: missing conv1.weight; unexpected more.0, more.1, more.2 and 2 more; "
        "of another shape bn1.weight 5 instead of 16. 114 of the network's 116 entries are in the file and fit: "
        "give --arch the network that it was trained with, or rename what differs."
    )


def test_the_next_step_goes_with_the_fault():
    state = weights("resnet20", 4).state_dict()
    missing = {key: value for key, value in state.items() if not key.startswith("layer3.2.")}
    with pytest.raises(CheckpointError, match=r"All else fits: save the whole state_dict"):
        bare.fit(missing, "resnet20")
    with pytest.raises(
        CheckpointError, match=r"5 instead of 16\. All names fit: give --arch a wider or narrower"
    ):
        bare.fit({**state, "bn1.weight": torch.ones(5)}, "resnet20")
    with pytest.raises(CheckpointError, match=r" 0 of the network's 116 entries are in the file and fit"):
        bare.fit({"a.weight": torch.ones(2)}, "resnet20")


def test_the_size_that_is_asked_for():
    """A convolutional network takes any that leaves a map."""
    state = weights(ARCH, 3).state_dict()
    found, notes, _ = bare.fit(state, ARCH, image_size=(64, 96))
    assert (found.config["image_size"], notes) == ([64, 96], [])
    same(found.state_dict(), state)
    with pytest.raises(
        RgavizError, match=r"cannot take images of 8x8 \(.*\); give the size it was trained with"
    ):
        bare.fit(state, ARCH, image_size=(8, 8))


def test_a_transformer_of_another_size():
    timm = pytest.importorskip("timm")
    state = timm.create_model("test_vit", num_classes=3, img_size=96).state_dict()
    with pytest.raises(
        CheckpointError, match=r"of another shape pos_embed .* another --image-size than 160x160"
    ):
        bare.fit(state, "timm:test_vit")
    found, notes, _ = bare.fit(state, "timm:test_vit", image_size=(96, 96))
    assert notes == []
    same(found.state_dict(), state)


def test_an_unknown_network():
    for arch in ("resnet19", "torchvision:resnet19"):
        with pytest.raises(UnknownNameError):
            bare.fit(STATE, arch)
