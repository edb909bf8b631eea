"""``rgaviz predict``: files of labels in the numbers and colours of the data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import save_picture
from PIL import Image
from typer.testing import CliRunner

from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.cli import app
from rgaviz.data.pictures import read_picture
from rgaviz.models import create_model
from rgaviz.models.segmentation import DilatedResNet
from rgaviz.tasks import TASKS

IDS, COLOURS = [7, 33, 23], [[128, 64, 128], [119, 11, 32], [70, 130, 180]]


@pytest.fixture
def predict(tmp_path, monkeypatch):
    """``rgaviz predict`` in a folder with a network ``net.pt`` and pictures of several sizes in ``pictures/``."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = create_model("dilated-resnet18", width=8, num_classes=3, image_size=(32, 32))
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 32, 32))
    training = {"dataset": "cityscapes", "colours": COLOURS, "ids": IDS}
    save_checkpoint(
        tmp_path / "net.pt",
        model,
        classes=["road", "bicycle", "sky"],
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        training=training,
    )
    for name, size in (("a.png", (40, 56)), ("deep/b.png", (33, 17))):
        save_picture(Path("pictures", name), size)

    def run(*words, code=0):
        result = CliRunner().invoke(app, ["predict", *words], prog_name="rgaviz")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert result.exit_code == code, result.output
        return result

    return run


def expected(name, **choices):
    """The numbers of the data set, by hand."""
    checkpoint = load_checkpoint("net.pt")
    task = TASKS["segmentation"].measuring(**choices)
    with torch.no_grad():
        logits = task.covering.logits(
            checkpoint.model, checkpoint.inputs([read_picture(Path("pictures", name))])
        )
    return np.array(IDS)[logits.argmax(1)[0].numpy()]


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        ([], {}),
        (["--window", "24", "--stride", "16"], {"window": 24, "stride": 16}),
        (["--scales", "0.5,1", "--flip"], {"scales": (0.5, 1.0), "flip": True}),
    ],
)
def test_files_have_the_numbers_and_colours_of_the_data_set(predict, words, choices):
    told = json.loads(predict("net.pt", "pictures", "-o", "out", "--json", *words).stdout)
    assert told["failures"] == []
    for name in ("a.png", "deep/b.png"):
        with Image.open(Path("out", name)) as image:
            numbers, palette = np.array(image), np.array(image.getpalette()).reshape(-1, 3)
            assert image.mode == "P"
        assert (numbers == expected(name, **choices)).all()
        assert all((palette[number] == colour).all() for number, colour in zip(IDS, COLOURS, strict=True))
        shares = {
            key: (numbers == number).mean()
            for key, number in zip(("road", "bicycle", "sky"), IDS, strict=True)
        }
        assert told["pictures"][name]["shares"] == pytest.approx({k: v for k, v in shares.items() if v})


def test_our_own_files_are_replaced_and_no_others(predict):
    predict("net.pt", "pictures/a.png", "-o", "out")
    predict("net.pt", "pictures/a.png", "-o", "out")
    save_picture(Path("mine/a.png"))
    before = Path("mine/a.png").read_bytes()
    line = predict("net.pt", "pictures/a.png", "-o", "mine", code=1).stderr
    assert "mine/a.png is there and was not written by rgaviz" in line
    assert Path("mine/a.png").read_bytes() == before


def test_inputs_are_never_replaced(predict):
    before = Path("pictures/a.png").read_bytes()
    assert predict("net.pt", "pictures/a.png", "-o", "pictures", code=1).stderr.count("\n") == 1
    assert Path("pictures/a.png").read_bytes() == before


def test_a_damaged_picture_is_left_out(predict):
    Path("pictures/c.png").write_bytes(b"\x89PNG no more")
    result = predict("net.pt", "pictures", "-o", "out", code=1)
    assert "c.png" in result.stderr
    assert len(list(Path("out").rglob("*.png"))) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["net.pt", "nothing.png"], "nothing.png"),
        (["net.pt", "pictures", "-o", "one.png"], "name a folder"),
        (["net.pt", "pictures", "-o", "street.jpg"], "street.jpg is one file, but each picture gets one"),
        (
            ["net.pt", "net.pt", "pictures"],
            "net.pt is a checkpoint, not a picture: predict takes one at a time",
        ),
        (["net.pt", "pictures", "--stride", "5"], "--stride needs --window"),
        (["net.pt", "pictures", "--window", "-5"], "--window -5 is no size"),
        (["net.pt", "pictures", "--scales", "big"], "--scales 0.75,1,1.25"),
        (["net.pt", "pictures", "--scales", "nan"], "Scales lie between"),
    ],
)
def test_what_cannot_be_is_one_line(predict, words, told):
    error = predict(*words, code=1).stderr
    assert told in error
    assert error.count("\n") == 1
    assert not list(Path().glob("rgaviz-predict/*"))


def test_two_pictures_of_one_name(predict):
    Image.open("pictures/a.png").convert("RGB").save("pictures/a.jpg")
    assert "would write the same output" in predict("net.pt", "pictures", code=1).stderr


def test_a_network_that_labels_no_pixels(predict, networks):
    line = predict(str(networks["rga"]), "pictures", code=1).stderr
    assert "is a network for classification, which labels no pixels" in line


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_too_little_memory_is_one_line(predict, monkeypatch, command):
    def full(self, x):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(DilatedResNet, "forward", full)
    words = ["net.pt", "pictures"]
    if command == "evaluate":
        Path("data/images").mkdir(parents=True)
        Path("data/labels").mkdir()
        for number in range(3):
            save_picture(Path(f"data/images/{number}.png"), (32, 32))
            Image.new("L", (32, 32)).save(f"data/labels/{number}.png")
        Path("data/classes.txt").write_text("road\nbicycle\nsky\n")
        words = ["net.pt", "--dataset", "scenes", "--data-dir", "data"]
    result = CliRunner().invoke(app, [command, *words], prog_name="rgaviz")
    assert result.exit_code == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert "does not fit into memory: see it by parts with --window" in line


def test_grey_pictures_of_more_than_8_bits(predict):
    """As the other commands see them, through one window that is told; its name is another one here."""
    values = np.random.default_rng(0).integers(0, 4096, (40, 48)).astype(np.uint16)
    values[0, :2] = 0, 4095
    Image.fromarray(values).save("twelve.png")
    Image.fromarray(np.round(255 * (values / 4095)).astype(np.uint8)).save("eight.png")
    predict("net.pt", "eight.png", "-o", "o")
    told = predict("net.pt", "twelve.png", "-o", "o").stderr
    assert "1 grey picture of more than 8 bits: 0 is shown as black, 4095 as white (--intensities)" in told
    twelve, eight = (np.asarray(Image.open(f"o/{name}.png")) for name in ("twelve", "eight"))
    np.testing.assert_array_equal(twelve, eight)
    assert (
        "0 is shown as black, 65535 as white"
        in predict("net.pt", "twelve.png", "--intensities", "full").stderr
    )
    assert (
        "--intensities 5,1 cannot be read"
        in predict("net.pt", "a.png", "--intensities", "5,1", code=1).stderr
    )
