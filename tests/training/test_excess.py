"""Settings that ask for more than a machine has: one line, before anything is built, read or written."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from rgaviz.cli import app
from rgaviz.errors import LONGEST

SMALL = ["data.train_size=16", "data.test_size=10", "train.batch_size=8", "train.precision=fp32"]
VALUES = {
    "train.lr": ["9" * 5000, "[" * 2000 + "]" * 2000],
    "model.width": ["9" * 5000, "99999999999999999999", "1000000000000", "100000"],
    "data.train_size": ["99999999999999999999", "1000000000000", "900000000"],
    "data.test_size": ["99999999999999999999", "900000000"],
    "data.image_size": ["[99999, 99999]", "[" * 2000 + "]" * 2000],
    "train.epochs": ["99999999999999999999"],
    "model.attention": ["[]", "[[]]", "9" * 5000],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in VALUES for value in VALUES[key]])
def test_one_line(tmp_path, key, value):
    words = [word for setting in [*SMALL, f"{key}={value}"] for word in ("--set", setting)]
    result = CliRunner().invoke(
        app, ["train", "shapes", *words, "--device", "cpu", "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 1, (result.output[-300:], result.exception)
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert line.isprintable()
    assert len(line) <= LONGEST
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content", ["[train]\nlr = " + "9" * 5000, "[train]\nlr = " + "[" * 2000 + "]" * 2000]
)
def test_recipes_of_strangers(tmp_path, content):
    (tmp_path / "mine.toml").write_text(content)
    result = CliRunner().invoke(app, ["train", "shapes", "--recipe", str(tmp_path / "mine.toml")])
    assert result.exit_code == 1, result.exception
    assert "is not a valid recipe" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr.rstrip()) <= LONGEST
