"""``--help`` of every command: what each option does, and what happens without it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from rgaviz.cli import app, figure_options, groups
from rgaviz.cli.app import needed
from rgaviz.cli.evaluate import IN_A_COLUMN
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import with_suffix
from rgaviz.training.config import Recipe

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def help_rows(command, columns=400, application=app):
    """Panel -> option or argument -> its line, on a terminal so wide that each has one."""
    words = [command, "--help"] if command else ["--help"]
    text = CliRunner().invoke(application, words, env={"COLUMNS": str(columns), "NO_COLOR": "1"}).stdout
    rows: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if title := re.match(r"╭─ (\w+) ─", line):
            rows[title[1]] = {}
        elif row := re.match(r"│ [* ]* ?(--?[\w-]+|\w+)(.*)│$", line):
            rows[list(rows)[-1]][row[1]] = row[2]
    return rows


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_tells_what_it_does_and_its_default(command):
    told = {name: line for panel in help_rows(command).values() for name, line in panel.items()}
    shown = {each.opts[0].removesuffix("..."): each for each in COMMANDS[command].params if not each.hidden}
    assert set(told) == set(shown) | {"--help"}
    for parameter in shown.values():
        line = told[parameter.opts[0]]
        assert len(parameter.help) > 5
        assert parameter.help in line
        assert ("[required]" in line) if parameter.required else re.search(r"\[default: .+\]", line), line
        if isinstance(parameter.default, int | float | str) and not isinstance(parameter.default, bool):
            assert f"[default: {parameter.default}]" in line


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_cut_off_on_a_narrow_terminal(command):
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert "…" not in result.stdout
    # A paragraph of the text above the panels is one line of the source: its line breaks would stay.
    above = result.stdout.partition("╭")[0]
    assert max(map(len, above.splitlines())) <= 80
    assert all("\n" not in part for part in cleandoc(COMMANDS[command].help).split("\n\n")[1:])


def test_options_stand_in_panels():
    rows = help_rows("compare")
    assert list(rows["Network"]) == [
        *("--arch", "--num-classes", "--image-size", "--mean", "--std", "--classes"),
        *("--output", "--outputs", "--show-channels", "--attention", "--gate", "--device"),
    ]
    figure = ["--format", "--venue", "--width", "--dpi", "--title", "--outline", "--names", "--cmap"]
    figure += [
        "--alpha",
        "--label-alpha",
        "--scale",
        "--interpolation",
        "--pages",
        "--jpeg",
        "--preset",
        "--captions",
        "--columns",
    ]
    assert list(rows["Figure"]) == figure
    assert list(rows["Output"]) == ["--out", "--resume", "--json"]
    assert list(help_rows("evaluate")["Data"]) == ["--dataset", "--data-dir", "--pattern", "--part"]
    assert next(iter(help_rows("train")["Training"])) == "--recipe"
    assert list(help_rows("histogram")["Figure"]) == figure[:7]  # no heat map, no second page


def test_the_defaults_of_figures_are_those_of_figures():
    assert FigureOptions(**figure_options.MapFigure().changes()) == FigureOptions()
    assert FigureOptions(**figure_options.Figure().changes()) == FigureOptions()
    shown = help_rows("cam")["Figure"]
    assert f"else {FigureOptions().formats[0]})]" in shown["--format"]
    scales = FigureOptions().scales
    assert f"({scales['cam']} for CAMs, {scales['mask']} for masks)]" in shown["--scale"]
    assert "[default: column]" in help_rows("evaluate")["Figure"]["--width"]
    assert FigureOptions(**IN_A_COLUMN.changes()) == FigureOptions(width="column")


def test_the_defaults_of_trainings_are_those_of_recipes():
    shown = help_rows("train")["Training"]
    assert f"(the recipe's: {','.join(Recipe().model.attention)})" in shown["--attention"]
    assert "(the recipe's: off)" in shown["--compile"]
    assert not Recipe().train.compile


def test_redraw_keeps_what_was_drawn():
    assert all("[default: (as it was drawn)]" in line for line in help_rows("redraw")["Figure"].values())


def test_the_suffix_of_the_figure_is_one_of_its_formats(tmp_path):
    def formats(given, out):
        return with_suffix(figure_options.Figure(formats=given).changes(), out).get("formats")

    assert formats(None, tmp_path / "a.SVG") == ("svg",)
    assert formats("pdf, svg,", tmp_path / "a.svg") == ("svg", "pdf")
    assert formats(",", None) == ()  # refused by FigureOptions
    assert formats(None, tmp_path) is None


# the decorator


@dataclass(frozen=True)
class Pair(groups.Group):
    left: Annotated[int, typer.Option(help="One.", rich_help_panel="Pair")] = 1
    right: Annotated[str | None, typer.Option(help="Other.", show_default="none", rich_help_panel="Pair")] = (
        None
    )


@dataclass(frozen=True)
class Triple(Pair):
    middle: Annotated[float, typer.Option(help="Between.", rich_help_panel="Pair")] = 0.5


LOWER = Pair(left=0)


def toy(command):
    """An application of this one command."""
    made = typer.Typer()
    made.command()(groups.takes_groups(command))
    return lambda *words: CliRunner().invoke(made, words, env={"COLUMNS": "200", "NO_COLOR": "1"})


def test_a_group_is_taken_as_plain_data():
    seen = []

    def command(name: str, pair: Triple, *, last: bool = False) -> None:
        seen.append((name, pair, last))

    run = toy(command)
    assert run("x", "--left", "5", "--last").exit_code == 0
    assert run("y", "--middle", "2", "--right", "r").exit_code == 0
    assert seen == [("x", Triple(5, None, 0.5), True), ("y", Triple(1, "r", 2.0), False)]
    assert run("x", "--pair", "1").exit_code == 2


def test_a_command_may_have_other_defaults():
    seen = []

    def command(*, pair: Pair = LOWER) -> None:
        seen.append(pair)

    run = toy(command)
    assert run().exit_code == 0
    assert "[default: 0]" in run("--help").stdout
    assert "[default: (none)]" in run("--help").stdout
    assert seen == [Pair(0)]


def test_or_none_but_words():
    seen = []

    def command(*, pair: Annotated[Triple, "as before"]) -> None:
        seen.append(pair)

    run = toy(command)
    assert run("--left", "7").exit_code == 0
    assert run("--help").stdout.count("[default: (as before)]") == 3
    assert seen == [Triple(7, None, None)]  # type: ignore[arg-type]
    assert "as before" not in str(Triple.__annotations__)  # the group itself is as it was


def test_only_what_the_words_need_is_built():
    """Options of all commands take longer to build than all else of a help."""
    listed = typer.main.get_command(needed(["--help"]))
    whole = typer.main.get_command(app)
    assert [(name, each.help) for name, each in listed.commands.items()] == [
        (name, each.help) for name, each in whole.commands.items()
    ]
    assert all(len(each.params) == 0 for each in listed.commands.values())
    assert list(typer.main.get_command(needed(["cam", "--help"])).commands) == ["cam"]
    for words in (["cams"], ["--version"], ["--install-completion"]):
        assert needed(words) is app


def test_help_loads_no_more_than_it_needs():
    code = "import sys; from rgaviz.cli import app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"rgaviz.outputs", "csv", "hashlib", "secrets"}.intersection(loaded)
