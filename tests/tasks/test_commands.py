"""What the commands do with the networks of every task."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pictures import files_below, save_picture
from toys import TOYS
from typer.testing import CliRunner

import rgaviz
from rgaviz.cli import app
from rgaviz.errors import RgavizError
from rgaviz.results.reader import read_results


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


def test_masks_are_replaced(trained, run):
    task, *_ = trained
    words = ("sanity", "a.pt", "--way", "mean", "-o", "sane", *SMALL)
    told = json.loads(run(*words, "--json").stdout)
    figures = json.loads(run("evaluate", "a.pt", "-o", "out", "--json", *SMALL).stdout)[0]
    assert list(told["titles"]) == list(task.tabulated)
    for row in told["networks"]:
        assert row["value"] == pytest.approx(figures[f"test_{row['measure']}"], rel=1e-6)
    assert {row["mask"] for row in told["rows"]} >= {"conv4/spatial", "conv4/channel", "conv4"} or task.dense
    run("redraw", "sane", *SMALL)


def test_weights_are_drawn_anew(run):
    words = ("sanity", "a.pt", "--weights", "--count", "3", "--random-labels", "b.pt", "-o", "sane", *SMALL)
    told = json.loads(run(*words, "--json").stdout)
    maps = {row["map"] for row in told["rows"]}
    assert any(name.startswith("gradcam") for name in maps)
    assert {name.rpartition("/")[2] for name in maps} >= {"spatial", "channel"}
    assert {row["order"] for row in told["rows"]} == {"cascade", "single", "others", "labels"}
    assert told["pictures"] == 3
    for row in told["rows"]:
        assert row["mean"] is None or -1 <= row["mean"] <= 1 + 1e-9
        if row["order"] == "labels" and row["mean"] is not None:  # b.pt is the same network
            assert row["mean"] == pytest.approx(1)
    run("redraw", "sane", *SMALL)


def test_it_is_evaluated(trained, run):
    task, *_, whole, _ = trained
    shown = run("evaluate", "a.pt", "b.pt", "-o", "out", *SMALL)
    assert all(measure.label in shown.stdout for measure in task.measures)
    told = json.loads(run("evaluate", "a.pt", "-o", "out", "--json", *SMALL).stdout)[0]
    for measure in task.measures:
        assert told[f"test_{measure.key}"] == pytest.approx(whole.metrics[f"test_{measure.key}"], rel=1e-6)
    drawn = not {"confusion", "cmc"}.isdisjoint(told)
    assert bool(told["files"]) == drawn == Path("out").exists()
    if drawn:
        run("redraw", "out", *SMALL)
    else:
        assert f"no figure of how networks for {task.name} are measured" in shown.stderr
    other = "dots" if task.name == "classification" else "shapes"
    line = run("evaluate", "a.pt", "--dataset", other, code=1).stderr
    assert f"a network for {task.name}; name one of its task with --dataset." in line


def test_its_maps_are_drawn(trained, run):
    task, *_, whole, _ = trained
    for target in (None, *task.targets[1:]):
        words = [] if target is None else ["--target", target]
        words += ["--label", TOYS[task.name][3]] if target == "label" else []
        scores = task.scores(target or task.targets[0], whole.classes)
        run("cam", "a.pt", "pictures", "-o", "cam", *words, *SMALL)
        titles, drawn = panels("cam")
        kinds = [panel.kind for panel in drawn]
        assert len(titles) == len(set(titles)) == len(scores) + task.dense
        assert kinds.count("map") == 2 * len(scores)
        assert kinds.count("labels") == 2 * task.dense
        assert read_results(Path("cam")).manifest.target == (target or task.targets[0])
        if target is None:
            run("compare", "a.pt", "b.pt", "pictures", "--diff", "-o", "compare", *words, *SMALL)
            kinds = [panel.kind for panel in panels("compare")[1]]
            assert kinds.count("difference") == 2 * len(scores)
    run("redraw", "cam", *SMALL)
    run("redraw", "compare", *SMALL)
    line = run("cam", "a.pt", "--target", "nothing such", code=1).stderr.splitlines()[-1]
    assert line.startswith("Error: a.pt: Unknown target")


def test_its_masks_are_drawn(trained, run):
    for command in ("masks", "histogram"):
        run(command, "a.pt", "pictures", "-o", command, *SMALL)
        assert panels(command)[1]
        run("redraw", command, *SMALL)


def test_its_masks_are_looked_at_over_the_data_set(trained, run):
    task, images, *_ = trained
    told = json.loads(run("statistics", "a.pt", "b.pt", "-o", "statistics", "--json", *SMALL).stdout)
    assert told["pictures"] == sum(len(images.part(part)) for part in task.tested)
    assert {row["network"] for row in told["rows"]} == {"a", "b"}
    assert told["by"] == {"classification": "class", "reid": "camera"}.get(task.name, "none")
    assert bool(told["differing"]) == (told["by"] != "none")
    run("redraw", "statistics", *SMALL)


def test_without_a_usual_target_masks_are_drawn_and_a_map_is_refused(trained, run, monkeypatch):
    task, *_, whole, _ = trained
    named = task.targets[0]
    with monkeypatch.context() as patch:
        patch.setattr(type(task), "targets", ())
        run("masks", "a.pt", "pictures", "-o", "masks", *SMALL)
        assert read_results(Path("masks")).manifest.target is None
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
    if truth is None:  # no word says what is true
        assert "leave out --label" in run("cam", "a.pt", "pictures", "--label", "road", code=1).stderr
        return
    run("cam", "a.pt", "pictures", "--label", truth, "-o", "cam", *SMALL)
    assert {picture.label for picture in read_results(Path("cam")).manifest.pictures} == {truth}
    roles = (
        {"plain"} if task.open_set else {"right", "wrong"}
    )  # identities of training tell nothing of others
    assert {panel.lines[0].role for panel in panels("cam")[1]} <= roles
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
        with pytest.raises(RgavizError, match=rf"for {task.name} predicts no class; ask .* checkpoint\.told"):
            whole.predict(pictures)


def test_its_score_follows_its_maps_where_it_has_one(trained, run):
    task = trained[0]
    words = ("faithfulness", "a.pt", "pictures", "--measure", "deletion", "--steps", "2", *SMALL)
    if task.name == "regression":
        assert "A number is no confidence" in run(*words, "--target", "x", code=1).stderr
        return
    told = json.loads(run(*words, "--target", TOYS[task.name][2], "--json").stdout)
    assert told["pictures"] == 2
    assert told["score"].split()[0] in ("probability", "cosine", "mean")
