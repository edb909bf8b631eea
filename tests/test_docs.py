"""The README and the pages of docs/: what they link to, name and run is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from rgaviz.analysis.demo import bundled_pair, photographs
from rgaviz.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PAGE_OF = {**{name: name for name in COMMANDS}, "recipe": "list"}  # command -> its page
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A command as far as its line, code span or shell command goes.
CALL = re.compile(r"\brgaviz ((?:[a-z]+)\b[^\n`|&>#]*)")
OPTION = re.compile(r"--[a-z][a-z-]*")
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
PAGES_WITH_PYTHON = [
    page for page in PAGES if any(kind == "python" for kind, _ in BLOCK.findall(page.read_text()))
]

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def options(command: str) -> set[str]:
    """Every spelling of a command's options, but of those that only say what has become of them."""
    parameters = [each for each in COMMANDS[command].params if not getattr(each, "hidden", False)]
    return {
        name for each in parameters for name in (*each.opts, *each.secondary_opts) if name.startswith("-")
    }


def prose(text: str) -> str:
    """The text without its blocks of code, where a bracket is no link and a hash no heading."""
    return BLOCK.sub("", text)


def anchors(page: Path) -> set[str]:
    """The names that headings get on GitHub."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def calls(text: str) -> list[tuple[str, list[str]]]:
    """(command, its options) of every ``rgaviz <command> ...`` in code; what Python prints is no call."""
    code = [body for language, body in BLOCK.findall(text) if language not in ("python", "text")]
    code += re.findall(r"`([^`\n]+)`", prose(text))
    found = [shlex.split(call, posix=False) for part in code for call in CALL.findall(part)]
    return [(words[0], OPTION.findall(" ".join(words[1:]))) for words in found]


@pages
def test_local_links_and_pictures_exist(page):
    for target in LINK.findall(prose(page.read_text())):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.is_file(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(path), f"{page.name} links to {target}"


def test_every_picture_is_shown_and_stands_once():
    shown = {target for page in PAGES for target in LINK.findall(page.read_text())}
    kept = sorted((ROOT / "docs/images").iterdir())
    assert {path.name for path in kept} <= {Path(target).name for target in shown}
    assert len({path.stem for path in kept}) == len(kept)


@pages
def test_commands_and_options_exist(page):
    for command, given in calls(page.read_text()):
        assert command in COMMANDS, f"{page.name} names rgaviz {command}"
        assert set(given) <= options(command), f"{page.name} names rgaviz {command} {' '.join(given)}"


def test_calls_are_found():
    text = "`rgaviz cam a.pt --method x`\n```\nx && rgaviz list venues > y --no\nrgaviz demo\n```\nrgaviz is a word"
    assert calls(text) == [("list", []), ("demo", []), ("cam", ["--method"])]
    assert len([call for page in PAGES for call in calls(page.read_text())]) > 50


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_that_tells_all_its_options(command):
    text = (ROOT / "docs" / f"{PAGE_OF[command]}.md").read_text()
    assert f"# rgaviz {command}" in text or f"## {command}" in text
    own = {name for name in options(command) if name.startswith("--")} - {"--help"}
    assert own <= set(OPTION.findall(text))
    if PAGE_OF[command] == command:
        rows = re.findall(r"^\| (`-[^|]*) \|", text, re.MULTILINE)
        listed = {option for row in rows for option in OPTION.findall(row)}
        json = {"--json"} if command == "list" else set()
        assert listed == own | json


def test_the_readme_lists_every_command():
    rows = re.findall(
        r"^\| \[`rgaviz (\w+)`\]\(docs/(\w+)\.md", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert dict(rows) == PAGE_OF


def test_every_page_is_in_the_index():
    linked = set(LINK.findall((ROOT / "docs" / "index.md").read_text()))
    assert {page.name for page in PAGES[1:]} - {"index.md"} <= linked


def test_pages_with_python_are_found():
    assert {"README.md", "python.md", "data.md", "reid.md"} <= {page.name for page in PAGES_WITH_PYTHON}


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=lambda path: path.name)
def test_python_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    """In the folder that ``rgaviz demo`` fills; a block ``text`` behind a block ``python`` is its output."""
    for path, content in {**bundled_pair(tmp_path), **photographs(tmp_path)}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text())
    scope: dict[str, object] = {}
    ran = 0
    for (language, code), (following, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "python":
            exec(compile(code, page.name, "exec"), scope)
            printed = capsys.readouterr().out
            assert following != "text" or printed == expected
            ran += 1
    assert ran > 0
