"""What every task must do: its networks are trained, resumed, measured, explained, told of, saved and loaded."""

from __future__ import annotations

import math
import signal

import pytest
import tiny
import torch

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.explain.cam import explain
from rgaviz.tasks import TASKS, How
from rgaviz.training import loop, signals

# Of each task: small images, what sets its recipe apart, and a target.
TOYS = {"classification": (tiny.dataset, {}, "top1")}


def test_every_task_has_its_toy():
    assert set(TOYS) == set(TASKS)


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory):
    """A task, its images, and checkpoints of four steps, made in one go and in two."""
    images, changes, _ = TOYS[request.param]
    out, recipe = tmp_path_factory.mktemp(request.param), tiny.recipe(epochs=1, optimizer="adamw", **changes)
    options = {"device": tiny.CPU, "check_every": 1}

    class Stop(tiny.Steps):
        def step(self, step):
            if step.step == 2:
                signal.raise_signal(signal.SIGTERM)

    loop.train(images(), recipe, ["rga-sc"], out / "whole", **options)
    with pytest.raises(signals.Interrupted):
        loop.train(images(), recipe, ["rga-sc"], out / "parts", report=Stop(), **options)
    loop.train(images(), recipe, ["rga-sc"], out / "parts", resume=True, **options)
    whole, parts = (load_checkpoint(out / name / "rga.pt") for name in ("whole", "parts"))
    return TASKS[request.param], images(), whole, parts


def test_a_resumed_training_is_exact(trained):
    task, _, whole, parts = trained
    states = [each.model.state_dict() for each in (whole, parts)]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert whole.metrics == parts.metrics
    assert {f"test_{measure.key}" for measure in task.measures} <= whole.metrics.keys()
    assert whole.model.task == task.name
    assert whole.training["recipe"]["train"]["optimizer"] == "adamw"


def test_it_is_measured_as_after_its_training(trained):
    task, images, whole, _ = trained
    how = How(whole.classes, whole.mean, whole.std, tiny.CPU)
    found = task.evaluate(whole.model.train(), images.part, how)
    assert not whole.model.training
    assert {f"test_{key}" for key in found.figures} <= whole.metrics.keys()
    for key, value in found.figures.items():
        assert math.isfinite(value)
        assert value == pytest.approx(whole.metrics[f"test_{key}"], rel=1e-6)
    for table in found.tables.values():
        assert {len(row) for row in table.lines()} == {len(table.columns) + 1}


def test_a_batch_is_learned_from(trained):
    task, images, whole, _ = trained
    config, split = tiny.recipe().train, images.part("train")
    order = task.order(split, config, torch.Generator().manual_seed(0))
    assert {len(batch) for batch in order} == {config.batch_size}
    pictures = split.images[order[0]].permute(0, 3, 1, 2) / 255
    told = task.loss(task.outputs(whole.model, pictures), split.labels[order[0]], config)
    assert next(iter(told)) == "loss"
    assert all(value.shape == () and torch.isfinite(value) for value in told.values())
    assert told["loss"].requires_grad


def test_it_is_explained_and_told_of(trained):
    task, images, whole, _ = trained
    pictures = whole.inputs([image.numpy() for image in images.part("test").images[:3]])
    target = task.target(TOYS[task.name][2], whole.classes, whole.inputs)
    found = explain(whole.model, pictures, cam_layer="conv5", methods=["gradcam"], target=target)
    maps = found.cams["gradcam"]
    assert maps.shape[:2] == (3, len(found.about[0]))
    assert (maps >= 0).all()
    output = task.scored(whole.model)(pictures)
    torch.testing.assert_close(found.output, output.detach(), rtol=1e-4, atol=1e-5)
    truth = [whole.classes[0], None, None]
    for told in task.told(output, whole.classes, truth):
        assert told.lines
        assert all(line.text and "\n" not in line.text for line in told.lines)
        assert told.values
    assert all(line.right is None for line in task.told(output, whole.classes, truth)[1].lines)


def test_it_is_saved_and_loaded(trained, tmp_path):
    _, _, whole, _ = trained
    again = tmp_path / "again.pt"
    save_checkpoint(again, whole.model, classes=whole.classes, mean=whole.mean, std=whole.std)
    loaded = load_checkpoint(again)
    assert loaded.model.task == whole.model.task
    assert all(
        torch.equal(value, loaded.model.state_dict()[key]) for key, value in whole.model.state_dict().items()
    )
