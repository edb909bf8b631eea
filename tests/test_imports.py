"""Who may import whom, and what a command may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rgaviz

ROOT = Path(rgaviz.__file__).parent
HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "cv2", "PIL", "accelerate", "pytorch_grad_cam")


def test_import_directions():
    """The contracts of import-linter in pyproject.toml: who may import whom."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_line_loads_nothing_heavy_before_a_command_runs():
    def top(node: ast.Module) -> set[str]:
        plain = [n for n in node.body if isinstance(n, ast.Import | ast.ImportFrom)]
        return {
            name
            for n in plain
            for name in ([n.module] if isinstance(n, ast.ImportFrom) else [a.name for a in n.names])
        }

    light = (
        "typer",
        "rgaviz.cli",
        "rgaviz.errors",
        "rgaviz.interrupts",
        "rgaviz.outputs",
        "rgaviz.progress",
        "rgaviz.bundled",
    )
    for path in (ROOT / "cli").glob("*.py"):
        for name in top(ast.parse(path.read_text())):
            assert name.startswith(light) or name.split(".")[0] in sys.stdlib_module_names, (
                f"{path} imports {name}"
            )


def loaded(*code: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Those of the named modules that a fresh Python has loaded after running the lines."""
    return after_each("\n".join(code), names=names)[0]


def after_each(*parts: str, names: tuple[str, ...]) -> list[set[str]]:
    """The same after each part, in one Python."""
    tell = f"print(json.dumps([n for n in {names} if n in sys.modules]))"
    code = "\n".join(["import json, sys", *(line for part in parts for line in (part, tell))])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()[-len(parts) :]]


RUN = "from typer.testing import CliRunner; from rgaviz.cli import app; r = CliRunner()"


def test_help_import_and_listing_recipes_are_light():
    words = ["--help"], ["masks", "--help"], ["train", "--help"], ["--version"], ["list", "recipes"]
    code = f"for words in {words}:"
    found = loaded("import rgaviz", RUN, code, "    assert r.invoke(app, words).exit_code == 0, words")
    assert found == set()


def test_explaining_loads_only_what_it_needs():
    code = "import rgaviz.analysis.compare, rgaviz.figures.draw; from rgaviz.bundled import bundled"
    load = "for name in ('rga', 'people-rga'): rgaviz.load_checkpoint(bundled(f'weights/{name}.pt'))"
    # PyTorch's compiler takes seconds to load, and one random number on the meta device is enough for that.
    slow = ("torch._dynamo", "sympy", "torchvision", "accelerate", "pytorch_grad_cam", "matplotlib.pyplot")
    alone, explaining = after_each("import torch.utils.checkpoint", f"{code}\n{load}", names=slow)
    assert explaining <= alone & {"sympy"}  # PyTorch 2.6 loads sympy with its own modules


def test_public_names():
    assert set(rgaviz.__all__) == {*rgaviz.PUBLIC, "__version__"} <= set(dir(rgaviz))
    assert all(callable(getattr(rgaviz, name)) for name in rgaviz.PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'mask'"):
        _ = rgaviz.mask
