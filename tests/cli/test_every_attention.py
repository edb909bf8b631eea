"""Every attention of Tables 1-3 from training to figures, as the commands do it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
from typer.testing import CliRunner

from rgaviz.attention import ATTENTIONS
from rgaviz.cli import app
from rgaviz.training.state import network_name

SETTINGS = {
    "data.train_size": 32,
    "data.test_size": 10,
    "data.image_size": "[16, 16]",
    "train.batch_size": 16,
    "model.attention_layers": '["conv4"]',
    "model.width": 8,
    "model.s1": 2,
    "model.s2": 2,
}
UNMASKED = ("none", "nl")  # the identity, and a residual block


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """A ResNet-18 has half its depth."""
    with tiny.shallow():
        yield


@pytest.fixture(scope="module")
def trained(shallow, tmp_path_factory) -> Path:
    """A folder with a network per attention, after an epoch."""
    out = tmp_path_factory.mktemp("all")
    settings = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    words = ["train", "shapes", *settings, "--epochs", "1", "--precision", "fp32", "--device", "cpu"]
    result = CliRunner().invoke(app, [*words, "--attention", ",".join(ATTENTIONS), "-o", str(out)])
    assert result.exit_code == 0, result.stderr
    return out


def files(folder: Path, names) -> list[str]:
    return [str(folder / f"{network_name(name)}.pt") for name in names]


def test_masks_of_all(trained, rga, place):
    gated = [name for name in ATTENTIONS if name not in UNMASKED]
    rga("masks", *files(trained, gated), "img.jpg", "-o", "all.png", "--dpi", "50")
    (row,) = json.loads(Path("all/manifest.json").read_text())["rows"]
    shown = {panel["map"]["checkpoint"] for panel in row[1:]}
    assert shown == {network_name(name) for name in gated}
    assert Path("all.png").stat().st_size > 10_000


@pytest.mark.slow
def test_all_are_compared(trained, answer, place):
    told = answer("compare", *files(trained, ATTENTIONS), "img.jpg", "-o", "all.pdf", "--dpi", "50")
    assert set(told["predictions"]["img.jpg"]) == {network_name(name) for name in ATTENTIONS}
    (row,) = json.loads(Path("all/manifest.json").read_text())["rows"]
    cams = [panel for panel in row[1:] if panel["map"]["group"] == "cam"]
    assert len(cams) == len(ATTENTIONS)


def test_a_network_without_a_gate_has_no_masks(trained, refused):
    assert "no masks" in refused("masks", *files(trained, ["nl"]), "img.jpg")
