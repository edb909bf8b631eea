"""``rgaviz evolve``."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import rgaviz
from rgaviz.analysis.evolving import chosen_epochs
from rgaviz.checkpoint import load_checkpoint
from rgaviz.explain.localisation import located
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
TRAIN = ("--set", "data.train_size=40", "--set", "data.test_size=12", "--set", "train.batch_size=20")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training of a small pair on ``shapes``, three epochs, each kept."""
    import tiny

    folder = tmp_path_factory.mktemp("trained") / "run"
    with tiny.shallow():
        from rgaviz.training.start import recipe_settings

        setting = [*TRAIN[1::2], "train.keep_every=1", "model.attention_layers=['conv5']"]
        rgaviz.train("shapes", recipe_settings("shapes", setting=setting, epochs=3), folder)
    return folder


@pytest.fixture
def run(place, trained, shallow):
    Path("run").symlink_to(trained)
    return Path("run")


def table(path):
    return list(csv.DictReader(io.StringIO(Path(path).read_text())))


def test_strips_on_one_scale(rga, run):
    result = rga("evolve", "run", "--count", "2", "--measured", "5", "-o", "fig.png", "--dpi", "50")
    assert "Note: maps are located on 5 of 12 pictures" in result.stderr
    results = read_results("fig")
    manifest = results.manifest
    assert manifest.titles == ["input", "epoch 1", "epoch 2", "epoch 3"]
    assert [each["id"] for each in manifest.checkpoints] == ["baseline", "rga"]
    assert manifest.checkpoints[1]["path"] == "run/rga.pt"  # the last epoch
    strips = [" ".join(line.text for line in row[0].lines[:2]) for row in manifest.rows]
    assert strips == ["baseline Grad-CAM (conv5)", "rga Grad-CAM (conv5)", "rga mask (conv5)"] * 2
    assert [row[0].picture for row in manifest.rows] == ["0"] * 3 + ["1"] * 3
    for row in manifest.rows:
        names = [panel.map.name for panel in row[1:] if panel.map]
        base = names[0].removesuffix("/epoch-001")
        assert names == [f"{base}/epoch-{number:03d}" for number in (1, 2, 3)]
    from rgaviz.figures.scales import Scales
    from rgaviz.figures.style import FigureOptions

    scales = Scales(results, FigureOptions())
    for row in (manifest.rows[0], manifest.rows[3]):
        largest = max(
            results.map(number, "baseline", f"gradcam/epoch-{epoch:03d}").max()
            for number in "01"
            for epoch in (1, 2, 3)
        )
        (limits,) = {scales.limits(panel) for panel in row[1:]}
        assert limits == pytest.approx((0.0, float(largest)))


def test_maps_are_those_of_the_kept_networks(rga, run):
    rga("evolve", "run", "img.jpg", "-o", "ev", *FAST)
    results = read_results("ev")
    assert "located" not in results.manifest.tables
    for number, path in enumerate(("run/epochs/rga-001.pt", "run/epochs/rga-002.pt", "run/rga.pt"), start=1):
        checkpoint = load_checkpoint(path)
        wanted = rgaviz.cam(checkpoint, ["img.jpg"])["gradcam"][0]
        found = results.map("0", "rga", f"gradcam/epoch-{number:03d}")
        np.testing.assert_allclose(found, np.asarray(wanted).reshape(found.shape), rtol=1e-4, atol=1e-9)
        mask = rgaviz.masks(checkpoint, ["img.jpg"], layer="conv5")["conv5/spatial"][0]
        found = results.map("0", "rga", f"conv5/spatial/epoch-{number:03d}")
        np.testing.assert_allclose(found, np.asarray(mask).reshape(found.shape), rtol=1e-4)


def test_folders_are_labels_where_they_are_classes(rga, run):
    rga("evolve", "run", "pics", "--count", "3", "--only", "baseline", "-o", "ev", *FAST)
    shown = {each.path: each.label for each in read_results("ev").manifest.pictures}
    assert shown == {"other/c.png": None, "ring/a.png": "ring", "square/b.png": "square"}


def test_where_maps_lie(answer, run):
    told = answer("evolve", "run", "--only", "rga", "--measured", "12", "-o", "ev", *FAST)
    assert (told["networks"], told["epochs"]) == (["rga"], [1, 2, 3])
    from rgaviz.data.sets import load_truth

    truth = load_truth("shapes", image_size=(32, 32), test_size=12)
    checkpoint = load_checkpoint("run/epochs/rga-002.pt")
    shares = []
    for place in range(12):
        pixels, label = truth.read(place)
        cam = np.asarray(rgaviz.cam(checkpoint, [pixels])["gradcam"][0])
        numbers = located(cam.reshape(1, *cam.shape[-2:]), label[None], list(truth.regions.values()))
        shares.append(numbers.energy[0, 0])
    rows = [each for each in told["rows"] if (each["network"], each["epoch"]) == ("rga", 2)]
    (energy,) = [each["mean"] for each in rows if (each["map"], each["measure"]) == ("gradcam", "energy")]
    assert energy == pytest.approx(np.nanmean(shares), rel=1e-4)
    assert {each["part"] for each in told["rows"]} == {"object"}
    ones = [each for each in told["rows"] if each["map"] == "ones" and each["measure"] == "energy"]
    assert [each["network"] for each in ones] == [""] * 3
    assert len({each["mean"] for each in ones}) == 1
    assert len(table("ev/tables/located.csv")) == len(told["rows"])
    assert Path("ev/evolve-located.png") in map(Path, told["files"])


def test_the_moving_picture(rga, run):
    rga("evolve", "run", "img.jpg", "-o", "ev", *FAST)
    for kind in ("gif", "webp"):
        with Image.open(f"ev/evolve.{kind}") as movie:
            frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(movie)]
            assert movie.info["loop"] == 0
        assert len(frames) == 3
        assert all(np.abs(one.astype(int) - other).max() > 50 for one, other in itertools.pairwise(frames))
    before = {path: path.read_bytes() for path in Path("ev").glob("evolve*")}
    assert len(before) == 3
    rga("redraw", "ev")
    assert {path: path.read_bytes() for path in Path("ev").glob("evolve*")} == before
    manifest = read_results("ev").manifest
    assert {"evolve.gif", "evolve.webp", "evolve.png"} <= set(manifest.files)


def test_a_report_has_the_strips_and_the_chart(rga, run):
    rga("evolve", "run", "--only", "rga", "--count", "1", "--measured", "5", "-o", "ev", *FAST)
    result = rga("report", "ev", "-o", "page.html")
    assert "2 rows of pictures" in result.stdout
    text = Path("page.html").read_text()
    assert text.count('class="chart"') == 1
    assert text.count('<article class="row"') == 2


def test_some_of_many_epochs():
    every = {epoch: Path(str(epoch)) for epoch in range(1, 11)}
    assert list(chosen_epochs(every, 4)) == [1, 4, 7, 10]
    assert list(chosen_epochs(every, 2)) == [1, 10]
    assert list(chosen_epochs(every, 0)) == list(chosen_epochs(every, 20)) == list(every)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere is no folder of a training"),
        (("pics",), "pics keeps no checkpoints of epochs: train with --set train.keep_every=1"),
        (("run", "--only", "rgb"), "Unknown network of run with epochs 'rgb'"),
        (("run", "--epochs", "1"), "--epochs 1 is out of range"),
        (("run", "--count", "0"), "--count 0 is out of range"),
        (("run", "--method", "gradcan"), "gradcan"),
        (("run", "nothing.jpg"), "nothing.jpg"),
        (("run", "--mask-layer", "conv9", "img.jpg"), "conv9"),
        (("run", "-o", "mine"), "mine/evolve.gif is there and was not written by rgaviz"),
    ],
)
def test_refusals(refused, run, words, message):
    Path("mine").mkdir()
    Path("mine/evolve.gif").write_text("mine")
    assert message in refused("evolve", *words)
