"""The functions behind the commands that explain, convert and tabulate, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import files_below, save_picture
from typer.testing import CliRunner

from rgaviz import load_checkpoint
from rgaviz.analysis.answer import Answer
from rgaviz.analysis.cam import cam
from rgaviz.analysis.compare import compare
from rgaviz.analysis.convert import convert
from rgaviz.analysis.histogram import histogram
from rgaviz.analysis.masks import masks
from rgaviz.cli import app
from rgaviz.errors import OutputError, PictureError, RgavizError, UnknownNameError
from rgaviz.runs.tabulate import tabulate

SMALL = {"dpi": 50, "formats": ("png",)}
FAST = ("--format", "png", "--dpi", "50")


@pytest.fixture
def pair(tmp_path, monkeypatch, networks):
    """The pair's names, in a folder with two pictures and a broken one."""
    monkeypatch.chdir(tmp_path)
    for name in ("baseline", "rga"):
        Path(f"{name}.pt").symlink_to(networks[name])
    for seed, name in enumerate(("ring/a", "square/b")):
        save_picture(Path(f"pics/{name}.png"), seed=seed)
    Path("pics/broken.png").write_bytes(b"\x89PNG")
    return ["baseline.pt", Path("rga.pt")]


ASKED = {
    "masks": (masks, {"layer": "all"}, ["--layer", "all"]),
    "histogram": (histogram, {"layer": "conv4"}, ["--layer", "conv4"]),
    "cam": (cam, {"methods": ["layercam"], "target": "ring"}, ["--method", "layercam", "--target", "ring"]),
    "compare": (
        compare,
        {"diff": True, "mask_layer": "conv4", "layer": "layer4"},
        ["--diff", "--mask-layer", "conv4", "--layer", "layer4"],
    ),
}


@pytest.mark.parametrize("command", ASKED)
def test_a_function_does_what_its_command_does(pair, command):
    """Every file but the manifest, which records the command line, has the same bytes."""
    function, asked, words = ASKED[command]
    used = pair if command == "compare" else pair[1:]
    pictures = ["pics/ring", "pics/square/b.png"]
    answer = function(used, pictures, "own", labels=["ring", "square"], figure=SMALL, **asked)
    line = [command, *map(str, used), *pictures, "-o", "typed", "--label", "ring,square", *words, *FAST]
    assert CliRunner().invoke(app, line).exit_code == 0
    own, typed = files_below(Path("own")), files_below(Path("typed"))
    assert set(own) == set(typed)
    assert {name for name in own if own[name] != typed[name]} == {"manifest.json"}
    assert answer.folder == Path("own")
    assert f"{command}.png" in own
    assert {path.as_posix() for path in answer.files} <= {f"own/{name}" for name in own}
    told = load_checkpoint("rga.pt").predict(["pics/ring/a.png"])[0]
    assert answer.told["a.png"]["rga"].values["label"] == told.label
    assert answer.failures == []


def test_what_was_left_out_and_chosen_is_told(pair):
    said: list[str] = []
    answer = masks([pair[1]], ["pics/broken.png", "pics/ring"], Path("fig.PNG"), say=said.append)
    assert isinstance(answer, Answer)
    assert len(answer.failures) == 1
    assert "pics/broken.png" in answer.failures[0]
    assert said == []
    assert answer.files[0] == Path("fig.png")
    assert answer.to_dict()["failures"] == answer.failures
    assert answer.to_dict()["results"] == "fig"
    found = compare(pictures=["pics/ring"], out="two", figure=SMALL, say=said.append)
    assert said[0] == "No checkpoints given: using the bundled baseline.pt and rga.pt"
    assert set(found.told["a.png"]) == {"baseline", "rga"}
    assert found.left_out == 0


@pytest.mark.slow
def test_a_long_figure_says_how_many_pages_are_left(pair):
    for number in range(7):
        save_picture(Path(f"many/{number}.png"), (8, 8), number)
    answer = masks([pair[1]], ["many"], "out", figure={**SMALL, "pages": 1})
    assert len(answer.told) == 7
    whole = masks([pair[1]], ["many"], "all", figure={**SMALL, "pages": 0})
    assert answer.left_out == len(list(Path("all").glob("masks-*.png"))) - 1 > 0
    assert whole.left_out == 0


REFUSED = {
    "method": (lambda pair: cam(pair, ["pics"], methods=["gradcan"]), UnknownNameError, "'gradcam'"),
    "methods": (lambda pair: compare(pair, ["pics"], methods=["gradcan"]), UnknownNameError, "'gradcam'"),
    "venue": (lambda pair: masks(pair, ["pics"], figure={"venue": "cpvr"}), UnknownNameError, "'cvpr'"),
    "device": (lambda pair: masks(pair, ["pics"], device="tpu"), UnknownNameError, "device 'tpu'"),
    "format": (lambda pair: masks(pair, ["pics"], "fig.jpg"), OutputError, ".jpg"),
    "alone": (lambda pair: compare(pair[:1], ["pics"]), RgavizError, "needs 2 checkpoints"),
    "picture": (lambda pair: masks(pair[1:], ["pics/broken.png"]), PictureError, "broken.png"),
    "layer": (lambda pair: histogram(pair[1:], ["pics"], layer="conv9"), RgavizError, "'conv9'"),
    "mean": (
        lambda pair: convert("rga.pt", "own.pt", mean=(0.5, 2, 0.5)),
        RgavizError,
        "--mean (0.5, 2, 0.5)",
    ),
    "form": (lambda pair: tabulate(pair, form="word"), UnknownNameError, "latex"),
    "table": (lambda pair: tabulate(pair, "rga.pt"), OutputError, "no name for a table"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_faults_are_errors_and_nothing_is_written(pair, fault):
    call, kind, words = REFUSED[fault]
    before = files_below(Path())
    with pytest.raises(kind) as caught:
        call(pair)
    assert words in str(caught.value)
    assert files_below(Path()) == before


def test_convert_takes_numbers(pair):
    found = convert(pair[1], Path("own.pt"), mean=(0.5, 0.25, 0), std="0.5,0.5,1")
    assert (found.mean, found.std, found.file) == ((0.5, 0.25, 0.0), (0.5, 0.5, 1.0), Path("own.pt"))
    assert load_checkpoint("own.pt").std == (0.5, 0.5, 1.0)
