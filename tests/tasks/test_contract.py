"""What every task must do: its networks are trained, resumed, measured, explained, told of, saved and loaded.

The commands then serve them. A task that knows no classes is among the tests, so that none of this leans on them.
"""

from __future__ import annotations

import json
import math
import shutil
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import regression
import tiny
import torch
from pictures import files_below, save_picture
from typer.testing import CliRunner

import rgaviz
from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.cli import app
from rgaviz.data.sets import DATASETS, load_dataset
from rgaviz.errors import RgavizError
from rgaviz.explain.cam import explain
from rgaviz.results.reader import read_results
from rgaviz.tasks import TASKS, How
from rgaviz.training import loop, signals

# Of each task: small images, what sets its recipe apart, a target, and what a picture may show.
TOYS = {
    "classification": (tiny.dataset, {}, "top1", "ring"),
    "regression": (
        partial(load_dataset, "dots", image_size=(16, 16), train_size=70, test_size=21),
        {"augment": "none"},
        "all",
        "0.5 0.5",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def known():
    """The task of the tests is one of ours, and so are its images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "regression", regression.Regression())
        patch.setitem(DATASETS, "dots", regression.load_dots)
        yield


def test_every_task_has_its_toy():
    assert set(TOYS) == set(TASKS)


@pytest.fixture(scope="module", params=TOYS)
def trained(request, tmp_path_factory, known):
    """A task, its images, and checkpoints of four steps, made in one go and in two."""
    images, changes, *_ = TOYS[request.param]
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


def test_its_labels_are_its_own(trained):
    task, images, *_ = trained
    for part in images.parts:
        task.check(images.part(part).labels, images.classes)
    labels = images.part("test").labels
    for wrong in (labels.bool(), labels[None]):
        with pytest.raises(RgavizError, match=f"Labels for {task.name}") as caught:
            task.check(wrong, images.classes)
        assert "\n" not in str(caught.value)


def test_labels_that_are_not_its_own_are_refused_before_anything_is_written(trained, tmp_path):
    task, images, *_ = trained
    _, changes, *_ = TOYS[task.name]
    wrong = replace(images, parts={**images.parts, "test": lambda: spoilt(images.part("test"))})
    with pytest.raises(RgavizError, match=f"Labels for {task.name}"):
        loop.train(wrong, tiny.recipe(**changes), ["none"], tmp_path / "out", device=tiny.CPU)
    assert not (tmp_path / "out").exists()


def spoilt(split):
    return replace(split, labels=split.labels.bool())


def test_a_picture_is_not_moved_where_its_labels_are_places(tmp_path):
    images = TOYS["regression"][0]()
    for augment in ("shift-mirror", "shift"):
        with pytest.raises(RgavizError) as caught:
            loop.train(images, tiny.recipe(augment), ["none"], tmp_path / "out", device=tiny.CPU)
        assert str(caught.value) == (
            f"data.augment = {augment!r} would make labels of dots wrong; choose one of: none."
        )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """``rgaviz`` in a folder with ``a.pt``, ``b.pt``, a training in ``runs/``, pictures in ``pictures/<folder>/``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    _, _, whole, parts = trained
    for name, path in {"a.pt": whole.path, "b.pt": parts.path}.items():
        shutil.copy(path, name)
    shutil.copytree(whole.path.parent, "runs")
    for seed, folder in enumerate(("ring", "7")):
        save_picture(Path(f"pictures/{folder}/one.png"), seed=seed)

    def run(*words, code=0):
        result = CliRunner().invoke(app, list(words), prog_name="rgaviz")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert result.exit_code == code, result.output
        return result

    return run


SMALL = ("--format", "png", "--dpi", "50")


def panels(folder):
    """The titles of a figure's columns but the picture's, and the panels of all its rows."""
    manifest = read_results(Path(folder)).manifest
    return manifest.titles[1:], [panel for row in manifest.rows for panel in row[1:]]


def test_it_is_evaluated(trained, run):
    task, *_, whole, _ = trained
    shown = run("evaluate", "a.pt", "b.pt", "-o", "out", *SMALL)
    assert all(measure.label in shown.stdout for measure in task.measures)
    told = json.loads(run("evaluate", "a.pt", "-o", "out", "--json", *SMALL).stdout)[0]
    for measure in task.measures:
        assert told[f"test_{measure.key}"] == pytest.approx(whole.metrics[f"test_{measure.key}"], rel=1e-6)
    assert bool(told["files"]) == ("confusion" in told) == Path("out").exists()
    if "confusion" in told:
        run("redraw", "out", *SMALL)
    else:
        assert f"{task.name} has no confusion matrix" in shown.stderr
    (other,) = (name for name in ("shapes", "dots") if name != whole.training["dataset"])
    line = run("evaluate", "a.pt", "--dataset", other, code=1).stderr
    assert f"a network for {task.name}; name one of its task with --dataset." in line


def test_its_maps_are_drawn(trained, run):
    task, *_, whole, _ = trained
    for target in (None, *task.targets):
        words = [] if target is None else ["--target", target]
        scores = task.scores(target or task.targets[0], whole.classes)
        run("cam", "a.pt", "pictures", "-o", "cam", *words, *SMALL)
        titles, drawn = panels("cam")
        assert len(titles) == len(set(titles)) == len(scores)
        assert len(drawn) == 2 * len(scores)
        assert read_results(Path("cam")).manifest.target == (target or task.targets[0])
        run("redraw", "cam", *SMALL)
        run("compare", "a.pt", "b.pt", "pictures", "--diff", "-o", "compare", *words, *SMALL)
        kinds = [panel.kind for panel in panels("compare")[1]]
        assert kinds.count("difference") == 2 * len(scores)
        run("redraw", "compare", *SMALL)
    line = run("cam", "a.pt", "--target", "nothing such", code=1).stderr.splitlines()[-1]
    assert line.startswith("Error: a.pt: Unknown target")


def test_its_masks_are_drawn(trained, run):
    for command in ("masks", "histogram"):
        run(command, "a.pt", "pictures", "-o", command, *SMALL)
        assert panels(command)[1]
        run("redraw", command, *SMALL)


def test_without_a_usual_target_masks_are_drawn_and_a_map_is_refused(trained, run, monkeypatch):
    task, *_, whole, _ = trained
    named = task.targets[0]
    with monkeypatch.context() as patch:
        patch.setattr(type(task), "targets", ())
        for command in ("masks", "histogram"):
            run(command, "a.pt", "pictures", "-o", command, *SMALL)
            assert read_results(Path(command)).manifest.target is None
        before = files_below(Path())
        for words in (["cam", "a.pt"], ["compare", "a.pt", "b.pt"]):
            line = run(*words, "pictures", code=1).stderr
            assert (
                line
                == f"Error: a.pt: A map of a network for {task.name} needs a target; name one with --target.\n"
            )
        with pytest.raises(RgavizError, match="needs a target"):
            rgaviz.cam(whole, ["pictures/7/one.png"])
        assert files_below(Path()) == before
        run("cam", "a.pt", "pictures", "--target", named, *SMALL)


def test_what_is_true_is_told(trained, run):
    task, *_, whole, _ = trained
    truth = TOYS[task.name][3]
    run("cam", "a.pt", "pictures", "--label", truth, "-o", "cam", *SMALL)
    assert {picture.label for picture in read_results(Path("cam")).manifest.pictures} == {truth}
    assert {panel.lines[0].role for panel in panels("cam")[1]} <= {"right", "wrong"}
    line = run("cam", "a.pt", "pictures", "--label", "nothing such", code=1).stderr
    assert len(line.splitlines()) == 1
    assert "label 'nothing such'" in line.lower()
    run("cam", "a.pt", "pictures", "-o", "cam", *SMALL)
    labels = [picture.label for picture in read_results(Path("cam")).manifest.pictures]
    assert labels == [None, "ring" if "ring" in whole.classes else None]  # 7/ is no truth of either


def test_its_trainings_are_tabulated(trained, run):
    first = trained[0].measures[0]
    for form in ("markdown", "latex", "csv", "json"):
        text = run("table", "runs", "--format", form).stdout
        assert first.number(trained[2].metrics[f"test_{first.key}"]) in text or form in ("csv", "json")
        assert first.key in text or first.title in text


def test_it_is_listed(trained, run):
    task = trained[0]
    told = json.loads(run("list", "tasks", "--json").stdout)[task.name]
    assert all(name in told for name in (*task.heads, *task.targets, *(each.label for each in task.measures)))


def test_from_python_a_map_is_about_what_is_usual(trained, run):
    task, _, whole, _ = trained
    pictures = ["pictures/7/one.png", "pictures/ring/one.png"]
    (maps,) = rgaviz.cam(whole, pictures).values()
    (same,) = rgaviz.cam(whole, pictures, targets=whole.target(task.targets[0])).values()
    assert (maps == same).all()
    count = len(task.scores(task.targets[0], whole.classes))
    assert maps.shape[:-2] == ((2,) if count == 1 else (2, count))
    if task.name == "classification":
        assert whole.predict(pictures)[0]._asdict() == pytest.approx(whole.told(pictures)[0].values)
    else:
        with pytest.raises(RgavizError, match=r"for regression predicts no class; ask .* checkpoint\.told"):
            whole.predict(pictures)
