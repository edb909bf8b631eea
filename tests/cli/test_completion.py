"""What the shell offers: names of registries, files, and nothing that takes seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

import rgaviz
from rgaviz.analysis.cost import COSTS
from rgaviz.analysis.faithful import MEASURES
from rgaviz.analysis.lists import LISTS
from rgaviz.analysis.overlays import OVERLAYS
from rgaviz.analysis.picking import PICKS
from rgaviz.attention import ATTENTIONS
from rgaviz.cli import app, completion
from rgaviz.data.pictures import PICTURE_SUFFIXES
from rgaviz.data.sets import DATASETS
from rgaviz.devices import DEVICES
from rgaviz.explain.methods import METHODS
from rgaviz.figures import style
from rgaviz.models import MODELS
from rgaviz.models.foreign import is_foreign
from rgaviz.runs.papers import PAPERS
from rgaviz.runs.table import FORMATS
from rgaviz.training.config import recipe_names


def test_the_light_lists_are_the_registries():
    assert list(ATTENTIONS) == completion.ATTENTIONS()
    assert list(MODELS) == completion.MODELS()
    assert list(METHODS) == completion.METHODS()
    assert list(DATASETS) == completion.DATASETS()
    assert list(style.VENUES) == completion.VENUES()
    assert list(style.PRESETS) == completion.PRESETS()
    assert set(completion.FORMATS) == set(style.FORMATS)
    assert tuple(name.rstrip(":") for name in completion.SCALES) == style.SCALES
    assert completion.COLOUR_MAPS == style.COMMON_COLOUR_MAPS
    assert set(completion.PICTURE_SUFFIXES) == PICTURE_SUFFIXES
    assert set(completion.DEVICES) == {"auto", *DEVICES}
    assert list(FORMATS) == completion.TABLE_FORMATS()
    assert list(PAPERS) == completion.paper_tables()
    assert list(COSTS) == completion.COSTS()
    assert list(MEASURES) == completion.FAITHFUL()
    assert list(LISTS) == completion.LISTS()
    assert list(PICKS) == completion.PICKS()
    assert OVERLAYS == completion.OVERLAYS
    assert all(is_foreign(f"{library}resnet50") for library in completion.LIBRARIES)


@pytest.fixture
def offered(place):
    """What bash is offered behind a line; the last word is the half-typed one."""

    def run(line: str) -> list[str]:
        words = f"rgaviz {line}"
        asked = {"_RGAVIZ_COMPLETE": "complete_bash", "COMP_WORDS": words}
        env = {**asked, "COMP_CWORD": str(len(words.split(" ")) - 1)}
        result = CliRunner().invoke(app, [], env=env, prog_name="rgaviz")
        assert result.exit_code == 0
        assert result.stderr == ""
        return result.stdout.split()

    return run


NAMES = {
    "ca": ["cam"],
    "cam --method grad": ["gradcam", "gradcam++", "gradcamelementwise"],
    "cam --method gradcam,x": ["gradcam,xgradcam"],
    "cam --method=fe": ["fem"],
    "compare --method al": ["all"],
    "train shapes --attention none,rga-s": [
        "none,rga-s",
        "none,rga-sc",
        "none,rga-s-norel",
        "none,rga-s-novis",
    ],
    "train shapes --attention rga-sc,rga-sc": [],
    "sweep shapes --attention fc-p": ["fc-parallel"],
    "profile --attention none,cbam-": ["none,cbam-c", "none,cbam-s", "none,cbam-cs"],
    "profile --arch densenet-": ["densenet-bc100", "densenet-bc115"],
    "profile --against la": ["latency"],
    "masks --arch t": ["torchvision:", "timm:"],
    "train cifar": ["cifar10", "cifar100"],
    "train shapes --recipe cifar-resnet1": ["cifar-resnet110"],
    "sweep cifar-resnet1": ["cifar-resnet110"],
    "recipe sh": ["shapes"],
    "evaluate rga.pt --dataset f": ["folder"],
    "masks --venue ic": ["iccv", "icml"],
    "masks --width c": ["column"],
    "masks --format pdf,p": ["pdf,png"],
    "masks --scale f": ["fixed:"],
    "masks --cmap t": ["turbo"],
    "masks --device c": ["cpu", "cuda"],
    "cam --target top": ["top1", "top5"],
    "table runs --format l": ["latex"],
    "table runs --paper table7": ["table7"],
    "list me": ["methods"],
    "masks --dp": ["--dpi"],
}


@pytest.mark.parametrize("line", NAMES)
def test_names(offered, line):
    assert offered(line) == NAMES[line]


def test_recipes_are_the_shipped_ones_and_files(offered):
    Path("mine.toml").touch()
    assert offered("train shapes --recipe ") == [*recipe_names(), "mine.toml", "pics/"]
    assert offered("recipe mi") == []


def test_checkpoints_and_pictures(offered, place):
    for name in ("runs/a/net.pth", "runs/a/net.safetensors", "runs/a/notes.txt", ".hidden/x.pt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert offered("evaluate rg") == ["rga.pt"]
    assert offered("evaluate rga.pt base") == ["baseline.pt"]
    assert offered("evaluate i") == []  # img.jpg is no checkpoint
    assert offered("convert ti") == ["timm:"]
    assert offered("compare im") == ["img.jpg"]
    assert offered("compare baseline.pt r") == ["rga.pt", "runs/"]
    # A folder that is alone is opened: the shell would set a space behind it.
    assert offered("masks run") == ["runs/", "runs/a/", "runs/a/net.pth", "runs/a/net.safetensors"]
    assert offered("masks ./runs/a/n") == ["./runs/a/net.pth", "./runs/a/net.safetensors"]
    assert offered(f"masks {place}/rg") == [f"{place}/rga.pt"]
    assert offered("masks nowhere/x") == []
    assert offered("masks pics/ring/") == ["pics/ring/a.png"]
    everything = ["baseline.pt", "channel.pt", "img.jpg", "pics/", "rga.pt", "runs/", "three.pt"]
    assert offered("masks ") == [*everything, "torchvision:", "timm:"]
    assert ".hidden/" in offered("masks .")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_a_shell_reads(place, shell):
    result = CliRunner().invoke(app, [], env={"_RGAVIZ_COMPLETE": f"source_{shell}"}, prog_name="rgaviz")
    assert result.exit_code == 0
    assert f"_RGAVIZ_COMPLETE=complete_{shell}" in result.stdout


def test_it_can_be_installed(place, rga, monkeypatch):
    """In a home of its own, for the shell that is named."""
    monkeypatch.setattr(
        testing, "_get_command", get_command
    )  # built anew, as the next line changes an option
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    monkeypatch.setenv("HOME", str(place))
    assert "_RGAVIZ_COMPLETE=complete_bash" in rga("--show-completion", "bash").stdout
    assert "completion installed" in rga("--install-completion", "bash").stdout
    installed = Path(".bash_completions/rgaviz.sh")
    assert "_RGAVIZ_COMPLETE=complete_bash" in installed.read_text()
    assert str(installed) in Path(".bashrc").read_text()


@pytest.mark.skipif(shutil.which("bash") is None, reason="has no bash")
def test_in_bash_and_without_what_is_heavy(place):
    """The script as bash runs it, for a program that says what it has loaded."""
    program = Path("bin/rgaviz")
    program.parent.mkdir()
    heavy = {"torch", "torchvision", "numpy", "matplotlib", "cv2", "PIL", "accelerate"}
    program.write_text(
        f"#!{sys.executable}\nimport atexit, sys\nfrom rgaviz.cli import main\n"
        f"atexit.register(lambda: print({heavy} & set(sys.modules), file=open('loaded', 'a')))\nmain()\n"
    )
    program.chmod(0o755)
    script = CliRunner().invoke(app, [], env={"_RGAVIZ_COMPLETE": "source_bash"}, prog_name="rgaviz").stdout
    lines = [
        ("cam", "--method", "lay"),
        ("train", "shapes", "--recipe", "cifar100"),
        ("compare", "baseline.pt", "rg"),
    ]
    asked = "".join(
        f"COMP_WORDS=(rgaviz {' '.join(words)}); COMP_CWORD={len(words)}; "
        '_rgaviz_completion rgaviz; echo "${COMPREPLY[@]}"\n'
        for words in lines
    )
    roots = os.pathsep.join([str(Path(rgaviz.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": roots, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script + asked], capture_output=True, text=True, env=env, check=True
    )
    assert done.stdout.split() == ["layercam", "cifar100", "rga.pt"]
    assert Path("loaded").read_text() == "set()\n" * 3
