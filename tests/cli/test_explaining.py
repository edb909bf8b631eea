"""``masks``, ``cam``, ``compare`` and ``histogram``: what they write, and where."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import files_below, save_picture

import rgaviz
from rgaviz.analysis import run
from rgaviz.data.pictures import read_picture
from rgaviz.explain.methods import METHODS
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
PAIR = ("baseline.pt", "rga.pt")


def titles(folder):
    return read_results(folder).manifest.titles


def panels(folder, row=0):
    return read_results(folder).manifest.rows[row]


def test_masks_of_a_folder(rga):
    result = rga("masks", "rga.pt", "pics", "--layer", "all", *FAST)
    assert sorted(files_below(Path("rgaviz-masks"))) == [
        "manifest.json",
        "maps.npz",
        "masks.png",
        *(f"overlays/{p}-rga-conv{n}-spatial.png" for p in ("other/c", "ring/a", "square/b") for n in (4, 5)),
        *(f"pictures/{n}.png" for n in range(3)),
    ]
    assert result.stdout.splitlines() == [
        "Figure: rgaviz-masks/masks.png",
        "Overlays: 6 in rgaviz-masks/overlays",
        "Numbers: rgaviz-masks (draw again with: rgaviz redraw rgaviz-masks)",
    ]
    assert result.stderr == ""
    names = ["rga mask (conv4)", "rga channels (conv4)", "rga mask (conv5)", "rga channels (conv5)"]
    assert sorted(titles("rgaviz-masks")) == sorted(["input", *names])
    shown = cv2.imread("rgaviz-masks/overlays/square/b-rga-conv5-spatial.png")
    assert shown.shape == (30, 90, 3)  # at the picture's own aspect ratio


def test_numbers_equal_the_python_functions(rga):
    rga(
        "compare",
        *PAIR,
        "pics",
        "--layer",
        "layer4",
        "--mask-layer",
        "conv4",
        "--method",
        "gradcam,layercam",
        *FAST,
    )
    results = read_results("rgaviz-compare")
    paths = [Path("pics") / entry.path for entry in results.manifest.pictures]
    assert [path.as_posix() for path in paths] == ["pics/other/c.png", "pics/ring/a.png", "pics/square/b.png"]
    for name in ("baseline", "rga"):
        checkpoint = rgaviz.load_checkpoint(f"{name}.pt")
        maps = rgaviz.cam(checkpoint, paths, layer="layer4", methods=("gradcam", "layercam"))
        if name == "rga":
            maps |= {
                k: v for k, v in rgaviz.masks(checkpoint, paths, layer="conv4").items() if "spatial" in k
            }
        told = checkpoint.predict(paths)
        for row, path in enumerate(paths):
            np.testing.assert_array_equal(results.picture(str(row)), read_picture(path))
            for key, values in maps.items():
                np.testing.assert_allclose(results.map(str(row), name, key), values[row], atol=1e-6)
        for row, entry in enumerate(results.manifest.pictures):
            for panel in results.manifest.rows[row][1:]:
                assert panel.picture == entry.id
                if panel.map.checkpoint == name:
                    values = panel.values
                    assert values["label"] == told[row].label
                    assert values["confidence"] == pytest.approx(told[row].confidence, abs=1e-5)
                    assert values["target"] == (told[row].label if panel.map.group == "cam" else None)
                    correct = None if entry.label is None else told[row].label == entry.label
                    assert values["correct"] == correct
                    said = f"{told[row].label} {100 * told[row].confidence:.0f}%"
                    role = {None: "plain", True: "right", False: "wrong"}[correct]
                    assert (panel.lines[0].text, panel.lines[0].role) == (said, role)
    assert [entry.label for entry in results.manifest.pictures] == [None, "ring", "square"]
    first = [[line.text for line in row[0].lines] for row in results.manifest.rows]
    assert first == [["other/c.png"], ["ring/a.png", "label: ring"], ["square/b.png", "label: square"]]


def test_manifest(rga):
    rga("compare", *PAIR, "img.jpg", "--diff", "--scale", "shared", *FAST)
    manifest = json.loads(Path("rgaviz-compare/manifest.json").read_text())
    assert manifest["schema"] == 2
    assert manifest["command"] == "compare"
    words = "baseline.pt rga.pt img.jpg --diff --scale shared --format png --dpi 50"
    assert manifest["command_line"] == f"rgaviz compare {words}"
    assert manifest["seed"] == 0
    assert manifest["versions"]["rgaviz"] == rgaviz.__version__
    assert manifest["target"] == "top1"
    assert manifest["files"] == ["compare.png", "maps.npz", "pictures/0.png"]
    ids = {
        "id",
        "path",
        "sha256",
        "arch",
        "attention",
        "image_size",
        "cam_layer",
        "mask_layers",
        "dataset",
        "error",
        "notes",
    }
    baseline, ours = manifest["checkpoints"]
    assert set(baseline) == set(ours) == ids
    assert (ours["id"], ours["attention"]) == ("rga", "rga-sc")
    assert (ours["cam_layer"], ours["mask_layers"]) == ("conv5", ["conv5"])
    assert (baseline["mask_layers"], baseline["image_size"], baseline["error"]) == ([], [16, 16], 12.5)
    assert ours["sha256"] == rgaviz.load_checkpoint("rga.pt").sha256
    assert manifest["figure"]["scale"] == {"cam": "shared", "mask": "shared"}
    assert manifest["figure"]["formats"] == ["png"]
    (row,) = manifest["rows"]
    assert [panel["kind"] for panel in row] == ["picture", "map", "map", "difference", "map"]
    assert len(manifest["titles"]) == 5
    assert row[3]["map"] == {"checkpoint": "rga", "name": "gradcam", "group": "cam"}
    assert row[3]["minus"] == {"checkpoint": "baseline", "name": "gradcam", "group": "cam"}
    assert row[4]["map"] == {"checkpoint": "rga", "name": "conv5/spatial", "group": "mask"}
    picture = manifest["pictures"][0]
    assert (picture["id"], picture["path"], picture["size"], picture["label"]) == (
        "0",
        "img.jpg",
        [40, 60],
        None,
    )


def test_each_scale_is_recorded_and_drawn(rga):
    drawn = set()
    for scale in ("shared", "model", "image", "fixed:0,0.5"):
        rga("compare", *PAIR, "img.jpg", "--scale", scale, *FAST)
        figure = json.loads(Path("rgaviz-compare/manifest.json").read_text())["figure"]
        assert figure["scale"] == {"cam": scale, "mask": scale}
        drawn.add(Path("rgaviz-compare/compare.png").read_bytes())
    assert len(drawn) == 4


def test_labels(rga):
    """One for all, one each, or the folder's name where it is a class."""
    for words, expected in (
        (["--label", "gear"], None),
        (["--label", "star"], ["star"] * 3),
        (["--label", "ring, star,cross"], ["ring", "star", "cross"]),
        ([], [None, "ring", "square"]),
    ):
        if expected is None:
            assert "Unknown label 'gear'" in rga("compare", *PAIR, "pics", *words, code=1).stderr
            continue
        rga("compare", *PAIR, "pics", *words, *FAST)
        assert [each.label for each in read_results("rgaviz-compare").manifest.pictures] == expected


def test_networks_with_three_and_four_stages_side_by_side(rga):
    rga("compare", "baseline.pt", "three.pt", "rga.pt", "img.jpg", *FAST)
    assert titles("rgaviz-compare") == [
        "input",
        "baseline Grad-CAM (conv5)",
        "three Grad-CAM (conv4)",
        "rga Grad-CAM (conv5)",
        "three mask (conv2)",
        "rga mask (conv5)",
    ]


def test_cam_of_a_class_by_name_and_by_number(rga):
    for target in ("square", "2"):
        rga("cam", "rga.pt", "img.jpg", "--target", target, *FAST)
        assert panels("rgaviz-cam")[1].values["target"] == "square"
        direct = rgaviz.cam(rgaviz.load_checkpoint("rga.pt"), ["img.jpg"], targets=[2])["gradcam"]
        np.testing.assert_allclose(
            read_results("rgaviz-cam").map("0", "rga", "gradcam"), direct[0], atol=1e-6
        )


def test_every_method_and_the_five_most_probable_classes(rga):
    """More columns than fit side by side break into lines."""
    rga("cam", "rga.pt", "img.jpg", "--method", "all", *FAST)
    assert [panel.map.name for panel in panels("rgaviz-cam")[1:]] == list(METHODS)
    assert len(files_below(Path("rgaviz-cam/overlays"))) == len(METHODS)
    rga("cam", "rga.pt", "baseline.pt", "img.jpg", "--method", "gradcam,layercam", "--target", "top5", *FAST)
    results = read_results("rgaviz-cam")
    assert len(results.manifest.titles) == len(results.manifest.rows[0]) == 21
    logits = rgaviz.load_checkpoint("rga.pt")
    order = logits.model(logits.inputs(["img.jpg"])).topk(5).indices[0].tolist()
    assert [panel.values["target"] for panel in panels("rgaviz-cam")[1:6]] == [
        logits.classes[i] for i in order
    ]
    direct = rgaviz.cam(logits, ["img.jpg"], methods=["layercam"], targets=[order[3]])["layercam"]
    np.testing.assert_allclose(results.map("0", "rga", "layercam/top4"), direct[0], atol=1e-6)


def test_histogram(rga):
    rga("histogram", "rga.pt", "channel.pt", "three.pt", "pics", *FAST)
    rows = list(csv.DictReader(Path("rgaviz-histogram/histogram.csv").read_text().splitlines()))
    counts = Counter(row["label"] for row in rows)
    assert counts == {"rga conv5": 32, "channel conv5": 32, "three conv2": 4}
    masks = rgaviz.masks(rgaviz.load_checkpoint("rga.pt"), sorted(Path("pics").rglob("*.png")), "conv5")
    means = [float(row["mean"]) for row in rows if row["label"] == "rga conv5"]
    np.testing.assert_allclose(means, masks["conv5/channel"].mean(0), atol=1e-5)
    assert Path("rgaviz-histogram/histogram.png").stat().st_size > 1000


@pytest.mark.parametrize("command", ["masks", "cam", "compare", "histogram"])
def test_json(answer, command):
    told = answer(command, *PAIR[command != "compare" :], "pics", *FAST)
    assert set(told) == {"results", "files", "predictions", "failures"}
    assert told["results"] == f"rgaviz-{command}"
    assert all(Path(path).is_file() for path in told["files"])
    assert set(told["predictions"]) == {"other/c.png", "ring/a.png", "square/b.png"}
    assert told["failures"] == []
    label, index, confidence = rgaviz.load_checkpoint("rga.pt").predict(["pics/ring/a.png"])[0]
    said = told["predictions"]["ring/a.png"]["rga"]
    assert (said["label"], said["index"]) == (label, index)
    assert said["confidence"] == pytest.approx(confidence, abs=1e-5)


def test_defaults_say_what_they_took(rga):
    result = rga("masks", "--layer", "conv5", *FAST)
    assert "using the bundled rga.pt" in result.stderr
    assert "bundled photographs" in result.stderr
    newest = Path("runs/a/rga.pt")
    newest.parent.mkdir(parents=True)
    newest.symlink_to(Path("rga.pt").resolve())
    for name in ("baseline.pt", "rga.resume.pt"):
        newest.with_name(name).write_bytes(b"later")
    result = rga("masks", "img.jpg", *FAST)
    assert result.stderr.splitlines() == ["No checkpoint given: using the newest under runs/, runs/a/rga.pt"]
    Path("runs").rename("gone")
    assert "using the bundled baseline.pt and rga.pt" in rga("compare", "img.jpg", *FAST).stderr


def test_a_quoted_pattern_of_checkpoints(rga):
    Path("rga.resume.pt").write_bytes(b"no network")
    rga("cam", "[br]*.pt", "img.jpg", *FAST)
    assert titles("rgaviz-cam") == ["input", "baseline Grad-CAM (conv5)", "rga Grad-CAM (conv5)"]


def test_checkpoints_of_one_name_are_told_apart(rga, place):
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "rga.pt").symlink_to(place / "rga.pt")
    rga("compare", "x/rga.pt", "y/rga.pt", "x/rga.pt", "img.jpg", *FAST)
    assert titles("rgaviz-compare")[1:4] == [f"{n} Grad-CAM (conv5)" for n in ("x-rga", "y-rga", "x-rga'")]


def test_broken_pictures_are_left_out(rga, answer):
    Path("pics/ring/bad.png").write_bytes(b"\x89PNG but not really")
    Path("pics/ring/none.jpg").touch()
    result = rga("masks", "rga.pt", "pics", *FAST, code=1)
    errors = result.stderr.splitlines()
    assert [line.split("'")[1] for line in errors[:2]] == ["pics/ring/bad.png", "pics/ring/none.jpg"]
    assert errors[2:] == ["2 of 5 pictures left out."]
    done = [entry.path for entry in read_results("rgaviz-masks").manifest.pictures]
    assert done == ["other/c.png", "ring/a.png", "square/b.png"]
    told = answer("masks", "rga.pt", "pics", *FAST, code=1)
    assert len(told["failures"]) == 2
    assert set(told["predictions"]) == set(done)


def test_a_label_each_stays_with_its_picture_beside_a_broken_one(rga):
    Path("pics/a.png").write_bytes(b"no picture")  # the first one
    rga("cam", "rga.pt", "pics", "--label", "star,ring,cross,heart", *FAST, code=1)
    found = read_results("rgaviz-cam").manifest.pictures
    assert [(each.path, each.label) for each in found] == [
        ("other/c.png", "ring"),
        ("ring/a.png", "cross"),
        ("square/b.png", "heart"),
    ]


def test_more_pictures_than_a_batch(rga, monkeypatch):
    """The same numbers whatever the batch, one of which has no picture that can be read."""
    for number in range(7):
        save_picture(Path(f"many/{number}.png"), (8, 8), number)
    for number in (2, 3):
        Path(f"many/{number}.png").write_bytes(b"broken")
    monkeypatch.setattr(run, "BATCH", 2)
    rga("cam", "rga.pt", "many", "-o", "two", *FAST, code=1)
    monkeypatch.setattr(run, "BATCH", 16)
    rga("cam", "rga.pt", "many", "-o", "all", *FAST, code=1)
    two, whole = read_results("two"), read_results("all")
    assert [entry.path for entry in two.manifest.pictures] == [f"{n}.png" for n in (0, 1, 4, 5, 6)]
    for entry in two.manifest.pictures:
        one, other = (results.map(entry.id, "rga", "gradcam") for results in (two, whole))
        np.testing.assert_allclose(one, other, atol=1e-6)


# where output goes


def test_a_named_figure_has_its_results_beside_it(rga):
    result = rga("compare", *PAIR, "img.jpg", "-o", "figs/fig.v2.png", "--dpi", "50")
    assert sorted(files_below(Path("figs"))) == [
        "fig.v2.png",
        "fig.v2/manifest.json",
        "fig.v2/maps.npz",
        "fig.v2/pictures/0.png",
    ]
    assert result.stdout.endswith("(draw again with: rgaviz redraw figs/fig.v2 -o figs/fig.v2.png)\n")


def test_the_suffix_and_the_formats_add_up(rga):
    rga("compare", *PAIR, "img.jpg", "-o", "fig.svg", "--format", "pdf,svg, pdf", "--dpi", "50")
    assert sorted(path.name for path in Path().glob("fig.*")) == ["fig.pdf", "fig.svg"]


def test_a_rerun_is_identical_and_replaces_ours_only(rga):
    rga("masks", "rga.pt", "pics", "-o", "out", "--dpi", "50")
    first = files_below(Path("out"))
    for name in ("mine.txt", "pictures/mine.png", "overlays/mine.png"):
        Path("out", name).write_text("mine")
    rga("masks", "rga.pt", "pics", "-o", "out", "--dpi", "50")
    mine = {name: b"mine" for name in ("mine.txt", "pictures/mine.png", "overlays/mine.png")}
    assert files_below(Path("out")) == {**first, **mine}
    rga("masks", "rga.pt", "img.jpg", "-o", "out", "--dpi", "50", "--format", "png")
    ours = {"manifest.json", "maps.npz", "masks.png", "overlays/img-rga-conv5-spatial.png", "pictures/0.png"}
    assert set(files_below(Path("out"))) == {*mine, *ours}


def test_another_command_replaces_it_too(rga):
    rga("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    rga("histogram", "rga.pt", "img.jpg", "-o", "out", *FAST)
    left = ["histogram.csv", "histogram.png", "manifest.json", "maps.npz", "pictures/0.png"]
    assert sorted(files_below(Path("out"))) == left


def test_earlier_output_is_no_input(rga):
    for _ in range(2):
        rga("cam", "rga.pt", ".", *FAST)
        paths = [entry.path for entry in read_results("rgaviz-cam").manifest.pictures]
        assert paths == ["img.jpg", "pics/other/c.png", "pics/ring/a.png", "pics/square/b.png"]


@pytest.mark.parametrize("name", ["masks.png", "masks-2.png", "manifest.json", "maps.npz"])
def test_a_file_of_someone_else_is_not_replaced(refused, name):
    Path("out").mkdir()
    Path("out", name).write_text("mine")
    line = refused("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    assert line == f"out/{name} is there and was not written by rgaviz: choose another folder with -o."


def test_after_an_interrupted_drawing_a_rerun_works(rga, monkeypatch):
    """What was drawn so far is ours."""
    from rgaviz.figures import draw

    for number in range(7):
        save_picture(Path(f"many/{number}.png"), (8, 8), number)
    left = [draw.save_figure]

    def one_page(*arguments):
        if not left:
            raise KeyboardInterrupt
        return left.pop()(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(draw, "save_figure", one_page)
        rga("masks", "rga.pt", "many", *FAST, code=130)
    assert [path.name for path in Path("rgaviz-masks").glob("*.png")] == ["masks-1.png"]
    rga("masks", "rga.pt", "many", *FAST)
    rga("masks", "rga.pt", "img.jpg", *FAST)
    assert [path.name for path in Path("rgaviz-masks").glob("*.png")] == ["masks.png"]


def test_pictures_of_every_kind(rga):
    """16-bit, RGBA, grey, palette, CMYK, animated and rotated ones are shown."""
    from PIL import Image

    Path("odd").mkdir()
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (24, 1))
    Image.fromarray(ramp.astype(np.uint16) * 257).save("odd/deep.png")
    grey = Image.fromarray(ramp)
    grey.save("odd/grey.png")
    grey.convert("RGBA").save("odd/alpha.png")
    grey.convert("P").save("odd/palette.gif", save_all=True, append_images=[grey.convert("P").rotate(90)])
    grey.convert("CMYK").save("odd/ink.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    grey.save("odd/turned.jpg", exif=exif)
    rga("masks", "rga.pt", "odd", *FAST)
    sizes = {each.path: each.size for each in read_results("rgaviz-masks").manifest.pictures}
    assert sizes.pop("turned.jpg") == [32, 24]
    assert sorted(sizes) == ["alpha.png", "deep.png", "grey.png", "ink.jpg", "palette.gif"]
    assert all(size == [24, 32] for size in sizes.values())
    results = read_results("rgaviz-masks")
    shown = {each.path: results.picture(each.id) for each in results.manifest.pictures}
    np.testing.assert_array_equal(shown["deep.png"], shown["grey.png"])
    np.testing.assert_array_equal(shown["alpha.png"], shown["grey.png"])


def test_differences_of_maps_about_different_classes_are_noted(rga, place, monkeypatch):
    from rgaviz.tasks.classification import Classification

    words = ["compare", *PAIR, "img.jpg", *FAST]
    told = Classification.told

    def answers(classes):
        names = iter(classes)
        return lambda task, *given: [each._replace(says=next(names)) for each in told(task, *given)]

    note = "Note: for 1 of 1 pictures the networks predict different classes"
    for classes, more, noted in (
        (("ring", "disc"), ["--diff"], True),
        (("ring", "ring"), ["--diff"], False),
        (("ring", "disc"), [], False),
        (("ring", "disc"), ["--diff", "--target", "ring"], False),
    ):
        monkeypatch.setattr(Classification, "told", answers(classes))
        assert (note in rga(*words, *more).stderr) == noted
