"""What can go wrong in a training."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from folders import fault, files, same
from moments import at_change
from tiny import STEPS

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.sets import load_dataset
from rgaviz.errors import OutputError, RgavizError
from rgaviz.training.loop import refuse_weights, train
from rgaviz.training.resume import load_state


def test_a_loss_that_is_not_finite(tmp_path):
    message = fault(RgavizError, tmp_path, changes={"lr": 1e9})
    for word in (
        "baseline",
        "epoch 1",
        "step",
        "learning rate",
        "--overwrite --set train.lr=2.5e+08",
        "train.warmup",
    ):
        assert word in message
    assert not (tmp_path / "baseline.pt").exists()


def test_the_step_of_the_first_nan_is_named(tmp_path):
    def poisoned(call, outputs):
        return {key: value * (float("nan") if call == STEPS + 3 else 1) for key, value in outputs.items()}

    message = fault(RgavizError, tmp_path, task=tiny.First(loss=poisoned), changes=tiny.OFTEN)
    # lr 0.05, up in half an epoch, down to 0 at epoch 2: at 1.5 a third of it is left
    assert "The loss of baseline is nan at epoch 2, step 3, learning rate 0.01667." in message
    assert len(load_checkpoint(tmp_path / "baseline.pt").history) == 1


def test_weights_ruined_by_the_last_step_are_not_saved(tmp_path):
    ruin = tiny.First(evaluate=lambda _, model: model.fc.bias.data.fill_(float("nan")))
    message = fault(RgavizError, tmp_path, task=ruin)
    assert "The test loss of baseline is nan at epoch 1, step 4" in message
    assert not (tmp_path / "baseline.pt").exists()


def test_weights_for_other_classes_are_refused(tmp_path):
    message = fault(RgavizError, tmp_path, changes={"class_weights": (1.0, 2.0)})
    assert "train.class_weights has 2 weights for the 10 classes of shapes" in message
    assert not files(tmp_path)


def test_weights_for_other_classes_are_refused_before_images_are_read():
    unread = replace(tiny.dataset(), parts={})
    with pytest.raises(RgavizError, match="2 weights for the 10 classes"):
        refuse_weights(tiny.recipe(class_weights=(1.0, 2.0)), unread)
    refuse_weights(tiny.recipe(class_weights=(1.0,) * 10), unread)


def test_parts_of_one_picture_are_refused_before_any_step(tmp_path):
    streets = load_dataset("streets", image_size=(32, 32), train_size=4, test_size=1)
    model = {"arch": "dilated-resnet18", "width": 8, "head": "ppm"}
    recipe = tiny.recipe("scale-crop-mirror", model, {"image_size": (32, 32)}, batch_size=2, accumulate=2)
    report = tiny.Steps()
    with pytest.raises(RgavizError, match="at least two in every part"):
        train(streets, recipe, ["none"], tmp_path, device=tiny.CPU, report=report)
    assert (report.starts, files(tmp_path)) == ([], [])


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_cannot_be_written_is_found_before_any_step(tmp_path, resume):
    (tmp_path / "file").write_text("")
    report = tiny.Steps()
    message = fault(OutputError, tmp_path / "file" / "out", report=report, resume=resume)
    assert str(tmp_path / "file" / "out") in message
    assert report.steps == []


@pytest.mark.parametrize(("network", "number"), [(None, 1), (None, 4), ("none", 8), (None, 13)])
def test_a_disk_that_runs_full(tmp_path, monkeypatch, fp32, network, number):
    """One line, nothing half-written, and with room again the run goes on to the same end."""
    monkeypatch.chdir(tmp_path)
    out = Path("out")
    if network:
        tiny.run(out, [network], seed=1)  # to be replaced

    def full():
        raise OSError(28, os.strerror(28))

    with at_change(number, full, again=True) as changes, pytest.raises(OutputError, match="No space left"):
        tiny.run(out, changes=tiny.OFTEN, overwrite=True)
    assert len(changes) >= number
    assert [path for path in Path().rglob(".rgaviz*")] == []
    for path in out.glob("*.pt"):
        load_state(path) if path.name.endswith("resume.pt") else load_checkpoint(path)
    tiny.run(out, resume=True)
    same(out, fp32[0])


class RemoveAt(tiny.Steps):
    """Removes the folder at a step."""

    def __init__(self, folder, *moment):
        super().__init__()
        self.folder, self.moment = folder, moment

    def step(self, step):
        if (step.network, step.epoch, step.step) == self.moment:
            shutil.rmtree(self.folder)


@pytest.mark.parametrize("moment", [("baseline", 1, 4), ("rga", 0, 4), ("rga", 1, 4)])
def test_a_folder_that_is_removed_in_mid_run(tmp_path, fp32, moment):
    """The network that is trained is written all the same; of one that has gone with the folder it is said."""
    report = RemoveAt(tmp_path / "out", *moment)
    if moment[0] == "baseline":
        tiny.run(tmp_path / "out", report=report)
    else:
        message = fault(RgavizError, tmp_path / "out", report=report)
        assert "baseline.pt was removed" in message
        assert "--resume" in message
        tiny.run(tmp_path / "out", resume=True)
    same(tmp_path / "out", fp32[0])
