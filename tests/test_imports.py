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
BOTTOM = {"errors", "atomic"}
OURS = {
    "": set(),  # rgaviz/__init__.py: the version; public names are looked up at run time
    "__main__": {"cli"},
    "errors": set(),
    "atomic": {"errors"},
    "devices": {"errors"},
    "bundled": {"errors"},
    "attention": {"errors"},
    "models": {"attention", "errors"},
    "data": {"errors"},
    "results": BOTTOM,
    "checkpoint": {"", "models", "data.images", "data.folder", *BOTTOM},
    "training": {"checkpoint", "models", "data", "devices", *BOTTOM},
    "explain": {"attention.gate", "results", "errors"},
    "figures": {"results", *BOTTOM},
    "profiling": {"attention", "models", "devices", "errors"},
    "tables": {"checkpoint", "models", "errors"},
    "pipeline": {"", "checkpoint", "data", "explain", "models", "results", "errors"},
}
NEVER = {
    "errors": {"*"},
    "atomic": {"*"},
    "bundled": {"*"},
    "results": {"torch", "torchvision", "matplotlib", "cv2", "pytorch_grad_cam"},
    "figures": {"torch", "torchvision", "pytorch_grad_cam"},
    "data": {"matplotlib", "pytorch_grad_cam"},
    "explain": {"timm", "torchvision", "matplotlib"},
}
HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "cv2", "PIL", "accelerate", "pytorch_grad_cam")
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def unit(module: str) -> str:
    """``rgaviz.data.images`` -> ``data``."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> tuple[set[str], set[str]]:
    """The modules of ours that a file imports anywhere in it, and the packages of others."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            for alias in node.names:
                whole = ROOT.parent / f"{node.module}.{alias.name}".replace(".", "/")
                is_module = whole.is_dir() or whole.with_suffix(".py").is_file()
                found.add(f"{node.module}.{alias.name}" if is_module else str(node.module))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse((ROOT / path).read_text()))
    ours = {name for name in found if name.split(".")[0] == "rgaviz"}
    return ours, {name.split(".")[0] for name in found - ours}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_import_directions(path):
    own = path.with_suffix("").parts[0].replace("__init__", "")
    ours, others = imports(path)
    if own == "cli":
        return
    allowed = OURS[own]
    for name in ours:
        inner = name.removeprefix("rgaviz").removeprefix(".")
        assert unit(name) in {own, *allowed} or inner in allowed, f"{path} imports {name}"
    refused = NEVER.get(own, set())
    taken = others - set(sys.stdlib_module_names) if "*" in refused else others & refused
    assert not taken, f"{path} imports {taken}"


def test_every_module_has_a_rule():
    assert {path.with_suffix("").parts[0].replace("__init__", "") for path in MODULES} == {*OURS, "cli"}


def test_the_command_line_loads_nothing_heavy_before_a_command_runs():
    def top(node: ast.Module) -> set[str]:
        plain = [n for n in node.body if isinstance(n, ast.Import | ast.ImportFrom)]
        return {
            name
            for n in plain
            for name in ([n.module] if isinstance(n, ast.ImportFrom) else [a.name for a in n.names])
        }

    light = ("typer", "rgaviz.cli", "rgaviz.errors")
    for path in (ROOT / "cli").glob("*.py"):
        for name in top(ast.parse(path.read_text())):
            assert name.startswith(light) or name.split(".")[0] in sys.stdlib_module_names, (
                f"{path} imports {name}"
            )


def loaded(*code: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Those of the named modules that a fresh Python has loaded after running the lines."""
    lines = [*code, "import json, sys", f"print(json.dumps([n for n in {names} if n in sys.modules]))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


RUN = "from typer.testing import CliRunner; from rgaviz.cli import app; r = CliRunner()"


def test_help_and_import_are_light():
    code = "for words in (['--help'], ['masks', '--help'], ['train', '--help'], ['--version']):"
    found = loaded("import rgaviz", RUN, code, "    assert r.invoke(app, words).exit_code == 0, words")
    assert found == set()


def test_listing_recipes_is_light():
    found = loaded(RUN, "assert r.invoke(app, ['list', 'recipes']).exit_code == 0")
    assert found == set()


def test_explaining_loads_only_what_it_needs():
    code = "import rgaviz.pipeline, rgaviz.figures.draw; from rgaviz.bundled import bundled"
    load = "rgaviz.pipeline.load_checkpoint(bundled('weights/rga.pt'))"
    # PyTorch's compiler takes seconds to load, and one random number on the meta device is enough for that.
    slow = ("torch._dynamo", "sympy", "torchvision", "accelerate", "pytorch_grad_cam", "matplotlib.pyplot")
    # PyTorch 2.6 loads sympy with its own modules.
    assert loaded(code, load, names=slow) <= loaded("import torch.utils.checkpoint", names=slow) & {"sympy"}


def test_public_names():
    assert set(rgaviz.__all__) == {*rgaviz.PUBLIC, "__version__"} <= set(dir(rgaviz))
    assert all(callable(getattr(rgaviz, name)) for name in rgaviz.PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'mask'"):
        _ = rgaviz.mask
