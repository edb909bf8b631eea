"""A checkpoint is whole and sufficient, and written whole or not at all."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch
from parametrised import rare
from PIL import Image
from small_checkpoint import CLASSES, MEAN, STD, edit, fault, network, save

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.checkpoint.schema import FORMAT
from rgaviz.data.pictures import network_input, read_picture
from rgaviz.errors import OutputError
from rgaviz.models import create_model

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
    ("size", "stem"),
    [
        ((128, 64), "small"),
        ((65, 70), "imagenet"),
        rare(((64, 72), "small")),
        rare(((12, 14), "small")),
    ],
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


def test_several_faults_are_told_at_once(saved):
    def change(document):
        del document["classes"]
        document["config"].update(image_size=[12, -14], num_classes="3")
        document["normalisation"]["std"] = [0.2, 0.0, 0.2]
        document.update(seed="0", metrics=None)

    edit(saved, change)
    assert fault(saved) == (
        f"{saved} is damaged: 'config.num_classes' is '3', not a whole number; 'config.image_size' is [12, -14], not "
        "two whole numbers from 1 to 4096; 'classes' is missing; and 3 more. Copy it again, or train it again."
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
    edit(
        saved,
        lambda document: document["normalisation"].update(mean=[0, True, 1], std=[1, 0.5, True], more=1),
    )
    loaded = load_checkpoint(saved)
    assert (loaded.seed, loaded.metrics, loaded.mean, loaded.std) == (
        1,
        {"test_error": 1},
        (0, 1, 1),
        (1, 0.5, 1),
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
        with pytest.raises(OutputError, match=r"Cannot write|is a folder") as caught:
            save(path, network())
        assert "\n" not in str(caught.value)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_replaces(saved):
    other = network(seed=1)
    save(saved, other)
    assert torch.equal(load_checkpoint(saved).model.fc.weight, other.fc.weight)
