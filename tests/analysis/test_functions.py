"""The functions behind the commands that measure, draw again and list, from Python."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pictures import files_below, save_picture
from typer.testing import CliRunner

import rgaviz
from rgaviz.analysis.masks import masks
from rgaviz.cli import app
from rgaviz.data.sets import DATASETS, load_shapes
from rgaviz.errors import OutputError, RgavizError, UnknownNameError
from rgaviz.profiling import growth
from rgaviz.results.reader import read_results
from rgaviz.tasks import TASKS, Evaluation
from rgaviz.tasks.classification import Classification

SMALL = {"dpi": 50, "formats": ("png",)}
FAST = ("--format", "png", "--dpi", "50")
PROFILE = {"image_size": (16, 8), "batch_size": 2, "repeats": 2}


@pytest.fixture
def pair(tmp_path, monkeypatch, networks):
    """The pair's names, in their folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("baseline", "rga"):
        Path(f"{name}.pt").symlink_to(networks[name])
    return ["baseline.pt", Path("rga.pt")]


@pytest.fixture
def short(monkeypatch):
    """Two small maps."""
    monkeypatch.setattr(growth, "SIDES", (8, 12))


@pytest.mark.parametrize("name", rgaviz.PUBLIC)
def test_public_functions_tell_all_their_arguments(name):
    function = getattr(rgaviz, name)
    told = re.findall(
        r"^        (\w+): ", inspect.cleandoc(function.__doc__).replace("\n    ", "\n        "), re.M
    )
    assert set(inspect.signature(function).parameters) <= set(told)
    page = Path(__file__).parents[2] / "docs" / "python.md"
    assert f"rgaviz.{name}" in page.read_text(encoding="utf-8")


def typed(*words):
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def same_but_the_manifest(one, other):
    """Every file but the manifest, which records the command line, has the same bytes."""
    own, others = files_below(Path(one)), files_below(Path(other))
    assert set(own) == set(others)
    assert {name for name in own if own[name] != others[name]} == {"manifest.json"}


def test_evaluate_does_what_its_command_does(pair):
    found = rgaviz.evaluate(pair, "own", figure=SMALL)
    told = typed("evaluate", *map(str, pair), "-o", "typed", *FAST)
    same_but_the_manifest("own", "typed")
    plain = [each.to_dict() for each in found]
    assert [{**each, "files": None} for each in plain] == [{**each, "files": None} for each in told]
    assert [each.network for each in found] == ["baseline", "rga"]
    assert found[1].evaluation.figures["error"] == plain[1]["test_error"]
    assert found[1].files == [Path("own/rga-confusion.png"), Path("own/rga-confusion.csv")]
    assert read_results("own").manifest.figure["width"] == "column"


def test_a_network_is_measured_by_its_own_task(pair, monkeypatch):
    """One that counts nothing has no figure; data of another task are refused."""

    class Toy(Classification):
        name = "toy"

        def evaluate(self, model, parts, how):
            return Evaluation({"error": float(len(parts("test"))), "loss": 0.5})

    monkeypatch.setitem(TASKS, "toy", Toy())
    monkeypatch.setitem(DATASETS, "toys", lambda **settings: replace(load_shapes(**settings), task="toy"))
    ours = rgaviz.load_checkpoint("rga.pt")
    ours.model.task = "toy"
    training = {"dataset": "toys", "recipe": {"data": {"test_size": 10}}}
    rgaviz.save_checkpoint(
        Path("toy.pt"), ours.model, classes=ours.classes, mean=ours.mean, std=ours.std, training=training
    )
    before = files_below(Path())
    (alone,) = rgaviz.evaluate(["toy.pt"])
    assert (alone.evaluation.figures["error"], alone.files) == (10, [])
    assert files_below(Path()) == before
    for name, network in (("shapes", "toy.pt"), ("toys", "rga.pt")):
        with pytest.raises(
            RgavizError, match=r"a data set for \w+, but .* a network for .* --dataset"
        ) as caught:
            rgaviz.evaluate([network], dataset=name)
        assert "\n" not in str(caught.value)
    assert files_below(Path()) == before
    Path("two.csv").write_bytes(b"a stranger's")
    with pytest.raises(OutputError, match=r"two\.csv"):
        rgaviz.evaluate(["rga.pt"], "two.png", figure=SMALL)
    assert not Path("two").exists()
    Path("two.csv").unlink()
    with pytest.raises(RgavizError, match=r"are for toy and classification, .* in a command of its own"):
        rgaviz.evaluate(["toy.pt", "rga.pt"], "two.png", figure=SMALL)
    assert files_below(Path()) == before


def test_growth_does_what_its_command_does(pair, short):
    found = rgaviz.growth(["none", "se"], out=Path("own.PNG"), figure={"dpi": 50}, repeats=2)
    told = typed("growth", "--attention", "none,se", "--repeats", "2", "-o", "typed", *FAST)
    assert [(row["attention"], row["N"]) for row in found.rows] == [("se", 64), ("se", 144)]
    assert found.files == [Path("own.png"), Path("own.csv"), Path("own.tex")]
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain.keys() == told.keys()
    assert plain["machine"] == told["machine"]
    assert plain["files"] == ["own.png", "own.csv", "own.tex"]
    assert list(found.exponents) == list(told["exponents"]) == ["se"]


def test_statistics_does_what_its_command_does(pair):
    found = rgaviz.statistics(pair, "shapes", "own", show=["ring"], figure=SMALL)
    told = typed("statistics", *map(str, pair), "shapes", "--show", "ring", "-o", "typed", *FAST)
    same_but_the_manifest("own", "typed")
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain == {
        **told,
        "results": "own",
        "files": [each.replace("typed", "own") for each in told["files"]],
    }


def test_profile_does_what_its_command_does(pair):
    found = rgaviz.profile("resnet20", ["none", "se"], "own", **PROFILE)
    words = ("--image-size", "16x8", "--batch-size", "2", "--repeats", "2", "-o", "typed")
    told = typed("profile", "--arch", "resnet20", "--attention", "none,se", *words)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain.keys() == told.keys()
    assert plain["machine"] == told["machine"]
    for key in ("attention", "parameters", "macs"):
        assert [row[key] for row in found.rows] == [row[key] for row in told["rows"]]
    assert plain["files"] == ["own/profile.csv", "own/profile.tex"]


def test_redraw_does_what_its_command_does(pair):
    save_picture(Path("img.jpg"))
    masks([pair[1]], ["img.jpg"], "own", figure=SMALL)
    before = files_below(Path("own"))
    assert rgaviz.redraw("own").paths[0] == Path("own/masks.png")
    assert files_below(Path("own")) == before
    drawn = rgaviz.redraw(Path("own"), "again.svg", figure={"cmap": "magma"})
    assert drawn.paths[0] == Path("again.svg")
    assert drawn.left_out == 0
    own = Path("again.svg").read_bytes()
    assert CliRunner().invoke(app, ["redraw", "own", "-o", "again.svg", "--cmap", "magma"]).exit_code == 0
    assert Path("again.svg").read_bytes() == own


def test_choices_are_what_list_prints(pair):
    assert rgaviz.choices("attentions") == typed("list", "attentions")
    with pytest.raises(UnknownNameError, match="'models'"):
        rgaviz.choices("model")


REFUSED = {
    "nothing": (lambda pair: rgaviz.evaluate([]), RgavizError, "name a checkpoint"),
    "place": (lambda pair: rgaviz.evaluate(pair, "fig.jpg"), OutputError, ".jpg"),
    "device": (lambda pair: rgaviz.evaluate(pair, device="tpu"), UnknownNameError, "device 'tpu'"),
    "venue": (lambda pair: rgaviz.evaluate(pair, figure={"venue": "x"}), UnknownNameError, "venue 'x'"),
    "empty": (lambda pair: rgaviz.growth(["se"], batch_size=0), RgavizError, "--batch-size 0"),
    "once": (lambda pair: rgaviz.growth(["se"], repeats=1), RgavizError, "--repeats 1"),
    "thin": (lambda pair: rgaviz.growth(["se"], channels=0), RgavizError, "--channels"),
    "axis": (lambda pair: rgaviz.growth(["se"], "M"), UnknownNameError, "'M'"),
    "batch": (lambda pair: rgaviz.profile("resnet20", ["se"], batch_size=0), RgavizError, "--batch-size 0"),
    "round": (lambda pair: rgaviz.profile("resnet20", ["se"], repeats=1), RgavizError, "--repeats 1"),
    "classes": (lambda pair: rgaviz.profile("resnet20", ["se"], num_classes=0), RgavizError, "num_classes"),
    "results": (lambda pair: rgaviz.redraw("nowhere"), RgavizError, "nowhere"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_faults_are_errors_and_nothing_is_written(pair, fault):
    call, kind, words = REFUSED[fault]
    before = files_below(Path())
    with pytest.raises(kind) as caught:
        call(pair)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files_below(Path()) == before


def test_networks_of_several_tasks_are_not_compared(pair):
    from rgaviz.bundled import bundled, sample_pictures

    before = files_below(Path())
    with pytest.raises(RgavizError, match="are for classification and reid, whose maps are about different"):
        rgaviz.compare(["rga.pt", bundled("weights/people-rga.pt")], sample_pictures()[:1])
    assert files_below(Path()) == before
