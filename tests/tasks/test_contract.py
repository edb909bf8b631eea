"""What every task must do: its networks are trained, resumed, measured, explained, told of, saved and loaded."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import tiny
import torch
from toys import TOYS

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.data.batches import train_batches
from rgaviz.data.scenes import SceneSplit
from rgaviz.data.splits import MemorySplit
from rgaviz.errors import RgavizError
from rgaviz.explain.cam import explain
from rgaviz.tasks import TASKS, How
from rgaviz.tasks.task import headline, in_tables
from rgaviz.training import loop
from rgaviz.training.config import OF_TASKS


def test_every_task_has_its_toy():
    assert set(TOYS) == set(TASKS)


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
    assert found.evidence is not None
    assert list(found.evidence.measured) == [measure.key for measure in in_tables(task)]
    for key in found.evidence.measured:
        assert found.evidence.figure(key) == pytest.approx(found.figures[key], rel=1e-6)
    assert len(found.evidence.names) == len(found.evidence.parts)
    for table in found.tables.values():
        assert {len(row) for row in table.lines()} == {len(table.columns) + 1}


def test_a_batch_is_learned_from(trained):
    task, images, whole, _ = trained
    config, split = tiny.recipe(**TOYS[task.name][1]).train, images.part("train")
    order = task.order(split, config, torch.Generator().manual_seed(0))
    assert {len(batch) for batch in order} == {config.batch_size}
    given = {
        "augmentation": TOYS[task.name][1].get("augment", "none"),
        "mean": images.mean,
        "std": images.std,
    }
    pictures, targets = next(train_batches(split, order, torch.Generator().manual_seed(0), **given))
    told = task.loss(task.outputs(whole.model, pictures), targets, config)
    assert task.counted(targets, config) > 0
    assert next(iter(told)) == "loss"
    assert all(value.shape == () and torch.isfinite(value) for value in told.values())
    assert told["loss"].requires_grad


def test_it_is_explained_and_told_of(trained):
    task, images, whole, _ = trained
    pictures = whole.inputs(pictures_of(images.part(task.tested[0]), 3))
    target = task.target(TOYS[task.name][2], whole.classes, whole.inputs)
    settings = {"cam_layer": "conv5", "methods": ["gradcam"], "forward": whole.scored()}
    found = explain(whole.model, pictures, target=target, **settings)
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


def test_its_labels_are_its_own(trained):
    task, images, *_ = trained
    for part in images.parts:
        task.check(images.part(part), images.classes)
    with pytest.raises(RgavizError, match=f"Labels for {task.name}") as caught:
        task.check(spoilt(images.part(task.tested[0])), images.classes)
    assert "\n" not in str(caught.value)


def test_labels_that_are_not_its_own_are_refused_before_anything_is_written(trained, tmp_path):
    task, images, *_ = trained
    _, changes, *_ = TOYS[task.name]
    part = task.tested[0]
    wrong = replace(images, parts={**images.parts, part: lambda: spoilt(images.part(part))})
    with pytest.raises(RgavizError, match=f"Labels for {task.name}"):
        loop.train(wrong, tiny.recipe(**changes), ["none"], tmp_path / "out", device=tiny.CPU)
    assert not (tmp_path / "out").exists()


def spoilt(split):
    if isinstance(split, SceneSplit):
        return MemorySplit(torch.zeros(6, 32, 32, 3, dtype=torch.uint8), torch.zeros(6, dtype=torch.int64))
    return replace(split, labels=split.labels[..., None])


def pictures_of(split, count):
    """Some pictures (h, w, 3) of a part."""
    if isinstance(split, SceneSplit):
        return [scene.picture for scene in split.whole(range(count))]
    return [image.numpy() for image in split.images[:count]]


def test_what_its_loss_does_not_read_is_refused(trained, tmp_path):
    task, images, *_ = trained
    _, changes, *_ = TOYS[task.name]
    classes = len(images.classes)
    values = (0.3, (1.0,) * classes, 2, 0.5, 2.0, 0.1, 5, 0.5, True)
    for key, value in zip(OF_TASKS, values, strict=True):
        recipe = tiny.recipe(**{**changes, key: value})
        if key in task.settings:
            loop.refuse_unused(recipe, task)
            continue
        with pytest.raises(
            RgavizError, match=rf"train\.{key} = .* has no effect on networks for {task.name}"
        ):
            loop.train(images, recipe, ["none"], tmp_path / "out", device=tiny.CPU)
    assert not (tmp_path / "out").exists()


def test_a_picture_is_not_moved_where_its_labels_are_places(tmp_path):
    images = TOYS["regression"][0]()
    for augment in ("shift-mirror", "shift"):
        with pytest.raises(RgavizError) as caught:
            loop.train(images, tiny.recipe(augment), ["none"], tmp_path / "out", device=tiny.CPU)
        assert str(caught.value) == (
            f"data.augment = {augment!r} would make labels of dots wrong; choose one of: none."
        )
    assert not (tmp_path / "out").exists()


def test_what_stands_in_a_table_is_measured_the_headline_first():
    for task in TASKS.values():
        assert [each.key for each in in_tables(task)] == list(task.tabulated)
        assert task.tabulated[0] == headline(task).key
