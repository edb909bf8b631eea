"""Training on few pictures: the batch fits, what is dropped is told, and doubts are."""

from __future__ import annotations

import os

import few_pictures
import numpy as np
import pytest
import tiny
import torch

from rgaviz.data.order import epoch_generator, even_shares, shuffled
from rgaviz.errors import RgavizError
from rgaviz.tasks import TASKS
from rgaviz.training import fitting
from rgaviz.training.config import load_recipe
from rgaviz.training.start import check_dataset, recipe_settings, run_training

SMALL = ("model.arch=resnet18-w16", "data.image_size=[32, 32]")


@pytest.mark.parametrize(
    ("images", "processes", "size"),
    [
        (180, 1, 8),
        (191, 1, 8),
        (192, 1, 16),
        (400, 1, 32),
        (767, 1, 32),
        (768, 1, 64),
        (50_000, 1, 64),
        (5, 1, 8),
        (400, 3, 30),
    ],
)
def test_a_batch_that_fits(images, processes, size):
    """Of 12 steps an epoch, from 8 to 64 images; less of the learning rate by the square root."""
    recipe = load_recipe("folder")
    train = fitting.fitted(recipe, images, processes).train
    assert train.batch_size == size
    assert train.lr == pytest.approx(recipe.train.lr * (size / 64) ** 0.5)


def test_a_batch_that_is_given_stays():
    recipe = load_recipe("folder", ["train.batch_size=50", "data.augment=shift"])
    assert fitting.fitted(recipe, 180) is recipe


@pytest.mark.parametrize(
    ("images", "given", "augment"),
    [
        (999, "fit", "resized-crop-mirror"),
        (1000, "fit", "shift-mirror"),
        (180, "shift", "shift"),
        (180, "none", "none"),
    ],
)
def test_an_augmentation_that_fits(images, given, augment):
    recipe = load_recipe("cifar10", [f"data.augment={given}"])
    assert fitting.fitted(recipe, images).data.augment == augment


@pytest.mark.parametrize(
    ("count", "size", "shares", "sizes"),
    [
        (180, 8, 1, [8] * 22 + [4]),
        (24, 8, 1, [8, 8, 8]),
        (25, 8, 1, [8, 8, 8]),  # one alone has no statistics
        (31, 8, 2, [8, 8, 8, 4]),  # as many for each share, at least two
        (27, 8, 2, [8, 8, 8]),
        (3, 8, 1, [3]),
        (1, 8, 1, [1]),
    ],
)
def test_the_last_batch_counts(count, size, shares, sizes):
    batches = even_shares(shuffled(count, size, epoch_generator(0, 0), keep_last=True), shares)
    assert [len(each) for each in batches] == sizes
    seen = torch.cat(batches).tolist()
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(count))


def announced(changes, order):
    data, recipe = tiny.dataset(), tiny.recipe(**changes)
    return fitting.announced(recipe, data, TASKS["classification"], order, 2)


def test_what_is_told_before_the_first_epoch():
    text = announced({"lr": 0.02, "epochs": 2}, [torch.zeros(16)] * 4)
    assert text == (
        "70 images of 10 classes to train on, 21 to test; an epoch is 4 steps of 16 (6 left out, others each time); "
        "2 epochs, learning rate up to 0.02, augmentation shift-mirror, 2 networks."
    )
    kept = announced({"lr": 0.02, "epochs": 1, "warmup": 0.5}, [torch.zeros(16)] * 4 + [torch.zeros(6)])
    assert "an epoch is 5 steps of 16, the last of 6; 1 epoch," in kept


class Told(tiny.Steps):
    """Remembers what was said."""

    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, text):
        self.said.append(text)


def trained(folder, out, *settings, attention="none", epochs=1):
    report = Told()
    rows, _ = run_training(
        "folder",
        recipe_settings("folder", attention=attention, setting=[*SMALL, *settings], epochs=epochs),
        out,
        seed=0,
        device="cpu",
        data_dir=folder,
        pattern=None,
        resume=False,
        overwrite=False,
        tensorboard=False,
        command_line="",
        report=report,
    )
    return rows, report


def test_a_folder_of_few_pictures(tmp_path, fp32):
    """All count, and what speaks against it is told."""
    folder = few_pictures.write(tmp_path / "pets", 13)  # 31 to train on, 8 to test
    rows, report = trained(folder, tmp_path / "out", "model.width=4")
    assert report.steps[-1].steps == 4
    assert report.said[0].startswith(
        "31 images of 3 classes to train on, 8 to test; an epoch is 4 steps of 8, the last of 7; 1 epoch, "
    )
    assert "augmentation resized-crop-mirror, 1 network." in report.said[0]
    notes = " ".join(report.said[1:])
    assert "has 10 images to train on, too few to learn from; take 20 or more." in notes
    assert "31 images are few for networks with fresh weights" in notes
    assert "4 steps in all are few to learn in; try --epochs 50." in notes
    assert 0 < rows[0]["train_loss"] < 3


@pytest.mark.slow
@pytest.mark.parametrize(("attention", "epochs"), [("none", 6), ("rga-sc", 15)])
def test_the_default_recipe_learns_from_225_pictures(tmp_path, fp32, attention, epochs):
    """That no linear model tells apart: at chance two of three are wrong."""
    folder = few_pictures.write(tmp_path / "pets")
    rows, _ = trained(folder, tmp_path / "out", attention=attention, epochs=epochs)
    assert rows[0]["test_error"] < 35


@pytest.mark.slow
def test_no_linear_model_tells_the_pictures_apart():
    draw = np.random.default_rng(0)
    pairs = [
        (few_pictures.picture(name, draw), n)
        for n, name in enumerate(few_pictures.CLASSES)
        for _ in range(75)
    ]
    x = torch.tensor(np.stack([each.ravel() for each, _ in pairs]) / 255 - 0.5).float()
    y = torch.tensor([label for _, label in pairs])
    order = torch.randperm(225, generator=torch.Generator().manual_seed(0))
    train, test = order[:180], order[180:]
    weights = torch.zeros(x.shape[1], 3, requires_grad=True)
    optimizer = torch.optim.Adam([weights], 1e-3)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(x[train] @ weights, y[train]).backward()
        optimizer.step()
    wrong = 100 * ((x[test] @ weights).argmax(1) != y[test]).float().mean()
    assert wrong > 45


def test_a_folder_in_the_place_of_a_data_set(tmp_path):
    with pytest.raises(RgavizError) as caught:
        check_dataset(f"{tmp_path}/my pets" if (tmp_path / "my pets").mkdir() is None else "")
    assert str(caught.value).endswith(f"rgaviz train folder --data-dir '{tmp_path}/my pets'")
    with pytest.raises(RgavizError, match="Did you mean 'folder'"):
        check_dataset("foldr")


def test_the_folder_of_images_is_looked_at_before_an_earlier_run(tmp_path):
    (tmp_path / "baseline.pt").touch()
    with pytest.raises(RgavizError, match="nowhere is not a folder"):
        trained(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    ("load", "threads", "device", "told"),
    [(7.2, 2, "cpu", True), (1.9, 2, "cpu", False), (7.2, 1, "cpu", False), (7.2, 2, "cuda", False)],
)
def test_a_busy_machine(monkeypatch, load, threads, device, told):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 1.0, 1.0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    hint = fitting.busy(torch.device(device))
    assert (hint is not None) == told
    assert not told or "(load 7.2 on 2 cores)" in hint
    assert not told or "OMP_NUM_THREADS=1" in hint


@pytest.mark.parametrize(("seconds", "text"), [(9, None), (50, "50 s"), (725, "12 min"), (12_600, "3.5 h")])
def test_how_long_it_takes(seconds, text):
    report = Told()
    fitting.tell_duration(report, "rga", seconds)
    assert report.said == ([] if text is None else [f"rga: about {text} to go."])
