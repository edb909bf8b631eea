"""A checkpoint is whole and sufficient, and whatever else a file holds is refused in one line."""

from __future__ import annotations

import os
import pickle
import random
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.checkpoint.schema import FORMAT
from rgaviz.data.pictures import network_input, read_picture
from rgaviz.errors import CheckpointError, OutputError, RgavizError
from rgaviz.models import create_model

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]
CLASSES = ["cat", "dog", "horse"]


def network(seed=0, **options):
    """Small, with running statistics that have seen something."""
    torch.manual_seed(seed)
    options = {"width": 4, "s1": 2, "s2": 2, "image_size": (12, 14), **options}
    model = create_model("resnet18-w16", "rga-sc", num_classes=3, attention_layers=["conv5"], **options)
    model.train()
    with torch.no_grad():
        model(torch.randn(8, 3, *options["image_size"]))
    return model.eval()


def save(path, model, **options):
    save_checkpoint(path, model, classes=CLASSES, mean=MEAN, std=STD, **options)
    return path


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "rga.pt", network())


def fault(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def edit(path, change):
    """Rewrite the document after ``change``, which returns a new one or edits it in place."""
    document = torch.load(path, weights_only=True)
    document = change(document) or document
    torch.save(document, path)
    return path


# whole and sufficient


def test_round_trip(tmp_path):
    model = network()
    history = [{"epoch": 1, "test_error": 30.5}, {"epoch": 2, "test_error": 20.25}]
    path = save(
        tmp_path / "new" / "folder" / "rga.pt",
        model,
        metrics={"test_error": 20.25},
        training={"dataset": "shapes", "recipe": {"lr": 0.1, "steps": [1, 2]}},
        seed=7,
        history=history,
        notes=["its head is fresh", "more"],
    )
    loaded = load_checkpoint(str(path))
    x = torch.randn(5, 3, 12, 14)
    with torch.no_grad():
        assert torch.equal(loaded.model(x), model(x))
    assert loaded.config == model.config
    assert loaded.classes == CLASSES
    assert (loaded.mean, loaded.std) == (tuple(MEAN), tuple(STD))
    assert loaded.metrics == {"test_error": 20.25}
    assert loaded.training == {"dataset": "shapes", "recipe": {"lr": 0.1, "steps": [1, 2]}}
    assert (loaded.seed, loaded.history) == (7, history)
    assert loaded.notes == ("its head is fresh", "more")
    assert loaded.image_size == (12, 14)
    assert loaded.versions["torch"] == str(torch.__version__)
    assert type(loaded.versions["torch"]) is str
    assert loaded.path == path
    assert len(loaded.sha256) == 64
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[key], value), key
    assert not any(module.training for module in loaded.model.modules())
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())


def test_the_document_is_plain_and_in_order(saved):
    document = torch.load(saved, weights_only=True)
    assert list(document)[:5] == ["format", "config", "model", "classes", "normalisation"]
    assert document["format"] == FORMAT == 1
    assert document["task"] == "classification"


def test_a_file_from_before_there_were_notes(saved):
    edit(saved, lambda document: document.pop("notes") and None)
    assert load_checkpoint(saved).notes == ()


@pytest.mark.parametrize(
    ("size", "stem"), [((128, 64), "small"), ((64, 72), "small"), ((65, 70), "imagenet"), ((12, 14), "small")]
)
@pytest.mark.parametrize("arch", ["resnet20", "densenet-bc100"])
def test_a_file_from_before_stems_were_recorded(tmp_path, arch, size, stem):
    """It has the stem that the shorter side decided, also where another is chosen today."""
    torch.manual_seed(0)
    model = create_model(arch, num_classes=3, image_size=size, width=4, stem=stem).eval()
    path = save(tmp_path / "old.pt", model)
    edit(path, lambda document: document["config"].pop("stem") and None)
    loaded, images = load_checkpoint(path), torch.randn(2, 3, *size)
    assert loaded.config == {**loaded.model.config, "stem": stem} == model.config
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))


def test_an_old_file_of_another_library_has_no_stem(tmp_path):
    model = create_model("torchvision:squeezenet1_1", num_classes=3, image_size=(32, 32))
    assert load_checkpoint(save(tmp_path / "a.pt", model)).config == model.config


def test_all_faults_are_told_at_once(saved):
    def change(document):
        del document["classes"]
        document["config"].update(image_size=[12, -14], num_classes="3")
        document["normalisation"]["std"] = [0.2, 0.0, 0.2]
        document.update(seed="0", metrics=None)

    edit(saved, change)
    assert fault(saved) == (
        f"{saved} is damaged: 'config.num_classes' is '3', not a whole number; 'config.image_size' is [12, -14], not "
        "two whole numbers from 1 to 4096; 'classes' is missing; 'normalisation.std' is [0.2, 0.0, 0.2], not three "
        "numbers above 0; 'metrics' is None, not a dictionary; 'seed' is '0', not a whole number. "
        "Copy it again, or train it again."
    )


def test_what_python_takes_for_numbers_and_dictionaries(saved):
    """Nothing is converted, and what other versions add is no fault."""
    from collections import OrderedDict

    edit(
        saved,
        lambda document: OrderedDict(
            {
                **document,
                "seed": True,
                "metrics": OrderedDict(test_error=1),
                "more": [1],
                5: 5,
                "format": True,
            }
        ),
    )
    edit(saved, lambda document: document["normalisation"].update(mean=[0, True, 1], std=[1, 2.5, 3], more=1))
    loaded = load_checkpoint(saved)
    assert (loaded.seed, loaded.metrics, loaded.mean, loaded.std) == (
        1,
        {"test_error": 1},
        (0, 1, 1),
        (1, 2.5, 3),
    )


@pytest.mark.parametrize("place", [("normalisation", "mean"), ("config", "image_size")])
def test_numbers_beyond_all_bounds(saved, place):
    table, name = place
    edit(saved, lambda document: document[table].update({name: [10**400] * len(document[table][name])}))
    assert f"'{table}.{name}' is" in fault(saved)


def test_a_loaded_network_can_be_trained_and_saved_again(saved, tmp_path):
    loaded = load_checkpoint(saved)
    loaded.model.train()(torch.randn(4, 3, 12, 14)).sum().backward()
    assert all(parameter.grad is not None for parameter in loaded.model.parameters())
    again = load_checkpoint(save(tmp_path / "again.pt", loaded.model))
    for key, value in loaded.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[key], value), key


def test_loading_draws_no_random_numbers(saved):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_checkpoint(saved)
    assert torch.equal(torch.rand(4), expected)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    model = network()
    first, second = save(tmp_path / "a.pt", model), save(tmp_path / "other.pt", model)
    assert first.read_bytes() == second.read_bytes()


def test_numpy_statistics_can_be_saved(tmp_path):
    path = tmp_path / "a.pt"
    mean, std = np.array(MEAN), np.array(STD, dtype=np.float64)
    save_checkpoint(path, network(), classes=tuple(CLASSES), mean=mean, std=std)
    loaded = load_checkpoint(path)
    assert (loaded.mean, loaded.std) == (tuple(MEAN), tuple(STD))


def test_channels_last_weights_load(tmp_path):
    model = network()
    x = torch.randn(2, 3, 12, 14)
    expected = model(x)
    path = save(tmp_path / "a.pt", model.to(memory_format=torch.channels_last))
    torch.testing.assert_close(load_checkpoint(path).model(x), expected)


def test_half_precision_weights_become_single(tmp_path):
    model = network()
    x = torch.randn(2, 3, 12, 14)
    expected = model(x)
    loaded = load_checkpoint(save(tmp_path / "a.pt", model.half()))
    torch.testing.assert_close(loaded.model(x), expected, rtol=0.02, atol=0.02)


def test_predict_agrees_on_paths_arrays_and_tensors(saved, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 21, 30, 3), dtype=np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    checkpoint = load_checkpoint(saved)
    tensor = torch.stack([network_input(read_picture(path), (12, 14), MEAN, STD) for path in paths])
    assert checkpoint.inputs(tensor) is tensor
    torch.testing.assert_close(checkpoint.inputs(list(pictures)), tensor)
    torch.testing.assert_close(checkpoint.inputs([str(path) for path in paths]), tensor)

    with torch.no_grad():
        probabilities = checkpoint.model(tensor).softmax(1)
    predicted = checkpoint.predict(tensor)
    for row, prediction in zip(probabilities, predicted, strict=True):
        assert prediction.index == int(row.argmax())
        assert prediction.label == CLASSES[prediction.index]
        assert prediction.confidence == pytest.approx(float(row.max()))
    for images in (paths, list(pictures), pictures):
        assert [p.index for p in checkpoint.predict(images)] == [p.index for p in predicted]
        assert [p.confidence for p in checkpoint.predict(images)] == pytest.approx(
            [p.confidence for p in predicted]
        )


# not a checkpoint


def test_missing(tmp_path):
    assert "does not exist" in fault(tmp_path / "rga.pt")


def test_a_folder(tmp_path):
    (tmp_path / "runs").mkdir()
    assert "is a folder" in fault(tmp_path / "runs")


def test_empty(tmp_path):
    (tmp_path / "rga.pt").touch()
    assert "is empty" in fault(tmp_path / "rga.pt")


def test_a_name_the_system_refuses(tmp_path):
    assert "cannot be read" in fault(tmp_path / f"{'x' * 300}.pt")
    (tmp_path / "file").touch()
    assert "does not exist" in fault(tmp_path / "file" / "rga.pt")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [1, 2, 3, 20, 0.001, 0.1, 0.5, 0.9, 0.99, -200, -22, -1])
def test_truncated(saved, part, zipped):
    if not zipped:
        document = torch.load(saved, weights_only=True)
        torch.save(document, saved, _use_new_zipfile_serialization=False)
    content = saved.read_bytes()
    saved.write_bytes(content[: part if isinstance(part, int) else int(part * len(content))])
    assert "damaged" in fault(saved)


def test_random_bytes(tmp_path):
    numbers, path = random.Random(0), tmp_path / "rga.pt"
    for _ in range(100):
        path.write_bytes(numbers.randbytes(numbers.choice([1, 2, 5, 30, 2000])))
        fault(path)


def test_flipped_bytes_of_the_pickle(tmp_path):
    """Whatever a damaged file does to the reader, the answer is a network or one line."""
    numbers, path = random.Random(0), save(tmp_path / "rga.pt", network())
    document = torch.load(path, weights_only=True)
    torch.save(document, path, _use_new_zipfile_serialization=False)  # the pickle comes first, in plain sight
    content = path.read_bytes()
    messages = []
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(numbers.choice([1, 3, 20])):
            damaged[numbers.randrange(4000)] = numbers.randrange(256)
        path.write_bytes(damaged)
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert not any("\n" in message for message in messages)


LOOKED = "weights are looked for under state_dict, model, model_state, model_state_dict, net, weights, state_dict_ema"


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ({}, "it holds nothing"),
        ({"a": 1}, f"it holds a, and {LOOKED}"),
        ({"state_dict": {}, "epoch": 3}, f"it holds state_dict, epoch, and {LOOKED}"),
        ({"network": {"fc.weight": torch.zeros(3)}, "x\ny": 3}, f"it holds network, x y, and {LOOKED}"),
        ({"model": {"fc.weight": torch.zeros(3), "lr": 1}}, "beside tensors it holds what is none (lr)"),
        (dict.fromkeys("abcdefghijk", 1), "it holds a, b, c, d, e, f, g, h and 3 more, and"),
        ([1, 2], "it holds list"),
        ("text", "it holds str"),
        (5, "it holds int"),
        (None, "it holds NoneType"),
        (torch.zeros(3), "it holds Tensor"),
    ],
)
@pytest.mark.parametrize("arch", [None, "resnet20"])
def test_not_ours(tmp_path, thing, told, arch):
    torch.save(thing, tmp_path / "other.pt")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / "other.pt", arch)
    message = str(caught.value)
    assert f"other.pt is not an rgaviz checkpoint, nor weights: {told}" in message
    assert "torch.save(model.state_dict(), FILE)" in message
    assert "\n" not in message


def test_other_files(tmp_path):
    (tmp_path / "notes.pt").write_text("epoch,loss\n1,2\n")
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    for name in ("notes.pt", "a.png", "a.npz"):
        assert "not a checkpoint" in fault(tmp_path / name)


def test_a_bare_state_dict_names_no_network(tmp_path):
    model = create_model("resnet18-w16", num_classes=3)
    for document in (model.state_dict(), {"model": model.state_dict(), "epoch": 3}):
        torch.save(document, tmp_path / "weights.pth")
        message = fault(tmp_path / "weights.pth")
        assert "bare state_dict" in message
        assert "--arch" in message
        loaded = load_checkpoint(tmp_path / "weights.pth", "resnet18-w16")
        for key, value in model.state_dict().items():
            assert torch.equal(loaded.model.state_dict()[key], value), key
        assert loaded.classes == ["class 0", "class 1", "class 2"]
        assert (loaded.mean, loaded.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize("arch", [None, "resnet18-w16"])
def test_a_bare_state_dict_with_attention(tmp_path, arch):
    path = tmp_path / "weights.pth"
    torch.save(network().state_dict(), path)
    with pytest.raises(CheckpointError, match=r"rgaviz\.create_model"):
        load_checkpoint(path, arch)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.full((10,), float("nan")), "fc.bias holds NaN or infinite weights. Take weights from before"),
        (torch.zeros(1).expand(2**50), "fc.bias has fewer values than its shape claims. Copy the file again"),
        (torch.zeros(10).to_sparse(), "fc.bias is a tensor of layout sparse_coo. Save it dense"),
        (torch.zeros(10, dtype=torch.uint8), "fc.bias is uint8, where weights are floating point"),
        (torch.zeros(10, dtype=torch.bool), "fc.bias is bool, where weights are floating point"),
        (torch.zeros(10, device="meta"), "fc.bias has no values in the file. Save the network after"),
    ],
    ids=["nan", "huge", "sparse", "uint8", "bool", "meta"],
)
def test_bare_weights_that_are_not_sound(tmp_path, value, told):
    path, state = tmp_path / "weights.pth", create_model("resnet18-w16").state_dict()
    torch.save({**state, "fc.bias": value}, path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, "resnet18-w16")
    assert str(caught.value).startswith(f"{path}: {told}")


def test_images_that_are_too_large(tmp_path):
    torch.save(create_model("resnet20").state_dict(), tmp_path / "weights.pth")
    with pytest.raises(RgavizError, match="4097x32 are too large"):
        load_checkpoint(tmp_path / "weights.pth", "resnet20", image_size=(4097, 32))


def test_a_network_named_beside_a_file_that_names_its_own(saved):
    assert load_checkpoint(saved, "torchvision:resnet50", 7).config["arch"] == "resnet18-w16"


# ours, but not usable


def test_a_newer_format(saved):
    edit(saved, lambda document: document.update(format=FORMAT + 1))
    message = fault(saved)
    assert "newer" in message
    assert "Upgrade" in message


@pytest.mark.parametrize("task", ["segmentation", "", "two\nlines"])
def test_an_unknown_task(saved, task):
    """What a later version wrote for another purpose is not opened as a classifier."""
    edit(saved, lambda document: document.update(task=task))
    message = fault(saved)
    assert repr(task) in message
    assert "classification" in message
    assert "Upgrade rgaviz" in message


def test_a_newer_format_is_told_before_its_task(saved):
    edit(saved, lambda document: document.update(format=FORMAT + 1, task="segmentation"))
    assert "newer" in fault(saved)


def test_a_file_without_a_task(saved):
    edit(saved, lambda document: document.pop("task") and None)
    assert load_checkpoint(saved).model.task == "classification"


@pytest.mark.parametrize("form", ["1", None, 0, -3, 1.0, [1]])
def test_no_format_of_ours(saved, form):
    edit(saved, lambda document: document.update(format=form))
    assert "not an rgaviz checkpoint" in fault(saved)


@pytest.mark.parametrize("key", ["config", "model", "classes", "normalisation"])
@pytest.mark.parametrize("value", [None, 3, "text", [[1]], {}])
def test_damaged_fields(saved, key, value):
    edit(saved, lambda document: document.update({key: value}))
    fault(saved)


@pytest.mark.parametrize("key", ["config", "model", "classes", "normalisation"])
def test_missing_fields(saved, key):
    edit(saved, lambda document: {name: value for name, value in document.items() if name != key})
    assert f"'{key}' is missing" in fault(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metrics", [1]),
        ("training", 3),
        ("versions", None),
        ("history", {}),
        ("seed", "0"),
        ("task", 3),
        ("notes", "text"),
    ],
)
def test_damaged_records(saved, key, value):
    edit(saved, lambda document: document.update({key: value}))
    assert key in fault(saved)


@pytest.mark.parametrize("notes", [[3], [None], ["two\nlines"], [""]])
def test_damaged_notes(saved, notes):
    edit(saved, lambda document: document.update(notes=notes))
    assert f"'notes' is {notes!r}, not a list of lines of text" in fault(saved)


HUGE = 2**40
CONFIGS = [
    *(("arch", value) for value in (None, 5, "", "resnet", ["resnet18"], {"a": [1]}, "x\ny")),
    *(("attention", value) for value in (None, 5, "rga", ["rga-sc"], "none", "rga-c")),
    *(("num_classes", value) for value in (None, 0, -3, 4, 3.5, "3", [3], HUGE)),
    *(
        ("image_size", value)
        for value in (None, 12, "12", [12], [12, 14, 1], [12, 0], [12, -14], [12, "14"], [12.0, 14.0])
    ),
    *(("image_size", value) for value in ([[12], [14]], [HUGE, HUGE], [16, 16], {"h": 12})),
    *(("attention_layers", value) for value in (5, "conv5", ["conv6"], [["conv5"]], [None], [], ["conv4"])),
    *((key, value) for key in ("width", "s1", "s2", "last_stride") for value in (0, -2, "4", [4], 3.5, HUGE)),
    *((key, 10**30) for key in ("width", "s1", "last_stride")),
    ("width", 6),
    ("s1", 3),
    ("more", 1),
    (5, 5),
]


@pytest.mark.parametrize(("key", "value"), CONFIGS)
def test_damaged_configurations(saved, key, value):
    edit(saved, lambda document: document["config"].update({key: value}))
    fault(saved)


@pytest.mark.parametrize("key", ["arch", "num_classes", "image_size", "attention", "width", "s1"])
def test_missing_configurations(saved, key):
    edit(saved, lambda document: document["config"].pop(key) and None)
    fault(saved)


@pytest.mark.parametrize("classes", [[], ["a", "b"], ["a", "b", "c", "d"], ["a", "b", 3], [["a"], "b", "c"]])
def test_damaged_class_names(saved, classes):
    edit(saved, lambda document: document.update(classes=classes))
    assert "class name" in fault(saved)


@pytest.mark.parametrize("key", ["mean", "std"])
@pytest.mark.parametrize(
    "values",
    [
        None,
        0.5,
        [],
        [0.5],
        [0.5] * 4,
        ["0.5"] * 3,
        [0.5, None, 0.5],
        [0.5, float("nan"), 0.5],
        [1.0, float("inf"), 1.0],
    ],
)
def test_damaged_normalisation(saved, key, values):
    edit(saved, lambda document: document["normalisation"].update({key: values}))
    assert "normalisation" in fault(saved)


@pytest.mark.parametrize("std", [[0, 0, 0], [0.2, 0.0, 0.2], [0.2, -0.2, 0.2]])
def test_a_deviation_of_zero(saved, std):
    edit(saved, lambda document: document["normalisation"].update(std=std))
    assert "normalisation" in fault(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["fc.weight", "bn1.running_var", "attention.conv5.first.attend.embed.weight"])
def test_weights_that_are_not_finite(saved, key, value):
    edit(saved, lambda document: document["model"][key].view(-1)[-1:].fill_(value) and None)
    message = fault(saved)
    assert key in message
    assert "NaN or infinite" in message


def replace_weight(value):
    return lambda document: document["model"].update({"fc.weight": value})


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1.0],
        "text",
        torch.zeros(3, 33),
        torch.zeros(32),
        torch.zeros(()),
        torch.zeros(3, 32, dtype=torch.complex64),
        torch.zeros(3, 32, dtype=torch.bool),
        torch.zeros(3, 32).to_sparse(),
        torch.zeros(1, 1).expand(3, 32),
        torch.zeros(1).expand(2**50),  # four bytes that claim four petabytes
        torch.zeros(3, 32, device="meta"),
    ],
)
def test_weights_that_do_not_fit(saved, value):
    edit(saved, replace_weight(value))
    assert "fc.weight" in fault(saved)


def test_weights_whose_sum_overflows_are_finite(saved):
    value = torch.full((3, 32), torch.finfo().max)
    edit(saved, replace_weight(value))
    assert torch.equal(load_checkpoint(saved).model.fc.weight, value)


def test_missing_and_superfluous_weights(saved):
    edit(saved, lambda document: document["model"].pop("fc.bias") is None or None)
    assert "fc.bias" in fault(saved)
    edit(
        saved, lambda document: document["model"].update({"fc.bias": torch.zeros(3), "extra": torch.zeros(3)})
    )
    assert "extra" in fault(saved)


# code


class Shell:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Python:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return eval, (f"open({str(self.marker)!r}, 'w').close()",)


@pytest.mark.parametrize("code", [Shell, Python])
@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: {"format": 1, "config": {}, "x": x}, lambda x: [x, x]]
)
@pytest.mark.parametrize("way", ["zip", "old", "pickle"])
def test_a_pickle_that_runs_code_is_refused(tmp_path, code, wrap, way):
    marker, path = tmp_path / "marker", tmp_path / "evil.pt"
    thing = wrap(code(marker))
    if way == "pickle":
        path.write_bytes(pickle.dumps(thing, protocol=2))
    else:
        torch.save(thing, path, _use_new_zipfile_serialization=way == "zip")
    message = fault(path)
    assert "run code" in message
    assert "refused" in message
    assert not marker.exists()
    if way == "pickle":  # the marker would have appeared
        pickle.loads(path.read_bytes())
        assert marker.exists()


@pytest.mark.parametrize("thing", [torch.nn.Linear(2, 2), Path("a"), np.float64(3)])
def test_python_objects_are_refused(tmp_path, thing):
    torch.save({"format": 1, "x": thing}, tmp_path / "a.pt")
    assert "refused" in fault(tmp_path / "a.pt")


def test_an_old_style_file_of_ours_loads(saved):
    expected = load_checkpoint(saved).model.state_dict()
    torch.save(torch.load(saved, weights_only=True), saved, _use_new_zipfile_serialization=False)
    for key, value in load_checkpoint(saved).model.state_dict().items():
        assert torch.equal(value, expected[key])


# whole or not at all


def test_a_failing_write_leaves_the_earlier_file(saved, monkeypatch):
    before = saved.read_bytes()

    def die(document, file):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(KeyboardInterrupt):
        save(saved, network(seed=1))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_full_disk(saved):
    """A limit on the size of files stands in for it: the system refuses in the middle of the write."""
    before, model = saved.read_bytes(), network(seed=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OutputError) as caught:
            save(saved, model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = str(caught.value)
    assert message.startswith(f"Cannot write {saved}")
    assert "\n" not in message
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_places_that_cannot_be_written(saved):
    for path in (saved / "rga.pt", saved / "a" / "b.pt", saved.parent, saved.parent / ("x" * 300)):
        with pytest.raises(OutputError, match="Cannot write") as caught:
            save(path, network())
        assert "\n" not in str(caught.value)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_replaces(saved):
    other = network(seed=1)
    save(saved, other)
    assert torch.equal(load_checkpoint(saved).model.fc.weight, other.fc.weight)
