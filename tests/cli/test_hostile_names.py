"""Names from files reach the terminal as printable text, never as markup."""

from __future__ import annotations

import pytest
from small_checkpoint import MEAN, STD, network
from typer.testing import CliRunner

from rgaviz.analysis.evaluate import Measured
from rgaviz.checkpoint import save_checkpoint
from rgaviz.cli import app
from rgaviz.cli import evaluate as cli_evaluate
from rgaviz.cli import sweep as cli_sweep
from rgaviz.cli.show import cells, console, give, say
from rgaviz.tasks import TASKS, Evaluation
from rgaviz.tasks.answers import Table

NAMES = ["[red]cat[/]", "[/]", ":smile:", "a\nb", "\x1b[31mred"]
SHOWN = ["[red]cat[/]", "[/]", ":smile:", r"a\nb", r"\x1b[31mred"]


def expect_names(told):
    assert all(name in told for name in SHOWN)
    assert "\x1b" not in told


def test_cells_and_the_console(capsys):
    for text in cells(NAMES):
        console(width=200).print(text)
    expect_names(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def measured():
    column = Table("class", ["error %"], NAMES, [[1.0] for _ in NAMES])
    figures = {measure.key: 1.0 for measure in TASKS["classification"].measures}
    found = Evaluation(figures, {"class_error": column})
    return [Measured(name, "a.pt", name, "files", 1, found, TASKS["classification"]) for name in NAMES]


def test_evaluate(capsys):
    cli_evaluate.show(measured())
    expect_names(capsys.readouterr().out)


def test_sweep(capsys, tmp_path):
    rows = [{"dataset": name, "recipe": name, "seed": 0, "network": name} for name in NAMES]
    cli_sweep.show(rows, tmp_path, {}, "test")
    expect_names(capsys.readouterr().out)


def test_say(capsys):
    for name in NAMES:
        say(f"Note: {name}")
    expect_names(capsys.readouterr().err)


def test_give(capsys, monkeypatch):
    """For a program the path as it is, for a terminal what that can show."""
    for name in NAMES:
        give(name)
    assert capsys.readouterr().out == "".join(f"{name}\n" for name in NAMES)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for name in NAMES:
        give(name)
    expect_names(capsys.readouterr().out)


@pytest.mark.parametrize(
    "words", [["redraw", "a", "\x1b[31m\nb"], ["redraw", "--\x1b[31m"], ["\x1b[31m"], ["--\x1b[31m"]]
)
def test_words_that_cannot_be_parsed(words):
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert "\\x1b[31m" in answer.stderr
    assert all(line.isprintable() for line in answer.stderr.splitlines())


def test_convert(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_checkpoint("a.pt", network(), classes=NAMES[:2] + NAMES[3:4], mean=MEAN, std=STD, notes=["\x1b[2J"])
    answer = CliRunner().invoke(app, ["convert", "a.pt", "-o", "b.pt"])
    assert answer.exit_code == 0
    assert all(line.isprintable() for line in answer.output.splitlines())
