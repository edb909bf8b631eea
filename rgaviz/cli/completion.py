"""What the shell offers behind a half-typed word. It waits for the answer, so nothing heavy is loaded here.

The names of registries that need torch or matplotlib are written down once more; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from rgaviz.outputs import FIGURE_SUFFIXES

ATTENTIONS = (
    "none",
    "rga-s",
    "rga-c",
    "rga-sc",
    "rga-cs",
    "rga-parallel",
    "rga-s-norel",
    "rga-s-novis",
    "rga-c-norel",
    "rga-c-novis",
    "se",
    "cbam-c",
    "cbam-s",
    "cbam-cs",
    "fc-s",
    "fc-c",
    "fc-parallel",
    "nl",
    "nl+rga-s",
)
MODELS = (
    "resnet18",
    "resnet18-w16",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet20",
    "resnet56",
    "resnet110",
    "resnet218",
    "densenet100",
    "densenet115",
    "densenet-bc100",
    "densenet-bc115",
)
METHODS = (
    "gradcam",
    "gradcam++",
    "layercam",
    "hirescam",
    "xgradcam",
    "gradcamelementwise",
    "eigengradcam",
    "eigencam",
    "segeigencam",
    "kpcacam",
    "fem",
    "scorecam",
    "ablationcam",
    "shapleycam",
    "finercam",
    "fullgrad",
    "randomcam",
)
DATASETS = ("cifar10", "cifar100", "folder", "shapes")
VENUES = ("cvpr", "iccv", "eccv", "neurips", "icml", "ieee", "screen")
FORMATS = tuple(suffix[1:] for suffix in FIGURE_SUFFIXES)
SCALES = ("shared", "model", "image", "fixed:")
COLOUR_MAPS = ("turbo", "jet", "viridis", "inferno", "magma", "cividis")
PICTURE_SUFFIXES = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pbm",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
LIBRARIES = ("torchvision:", "timm:")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")
TARGETS = ("top1", "top5")
WIDTHS = ("column", "text")
TABLE_FORMATS = ("markdown", "latex", "csv", "json")
PAPER_TABLES = ("table7",)
COSTS = ("parameters", "macs", "latency", "memory")
LISTS = ("recipes", "models", "attentions", "datasets", "methods", "venues")

Complete = Callable[[str], list[str]]


def one(names: Iterable[str]) -> Complete:
    """Completes a word to one of some names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def several(names: Iterable[str]) -> Complete:
    """Completes the last of several names with commas; each is offered once."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        left = (name for name in names if name not in before.split(","))
        return [f"{before}{comma}{name}" for name in left if name.startswith(last)]

    return complete


def checkpoints(incomplete: str) -> list[str]:
    """Files of weights, folders on the way to them, and the libraries."""
    from rgaviz.analysis.inputs import CHECKPOINT_SUFFIXES

    return [*files(incomplete, CHECKPOINT_SUFFIXES), *one(LIBRARIES)(incomplete)]


def inputs(incomplete: str) -> list[str]:
    """Checkpoints and pictures."""
    from rgaviz.analysis.inputs import CHECKPOINT_SUFFIXES

    return [*files(incomplete, CHECKPOINT_SUFFIXES + PICTURE_SUFFIXES), *one(LIBRARIES)(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Shipped recipes, and the user's own files."""
    return [*shipped_recipes(incomplete), *files(incomplete, (".toml",))]


def shipped_recipes(incomplete: str) -> list[str]:
    """Shipped recipes."""
    from rgaviz.training.config import recipe_names

    return one(recipe_names())(incomplete)


def files(incomplete: str, suffixes: tuple[str, ...]) -> list[str]:
    """Files of these suffixes and folders that begin so, as typed; a folder that is alone is opened."""
    cut = incomplete.rfind("/") + 1
    folder, begun = incomplete[:cut], incomplete[cut:]
    found = []
    for path in _entries(folder):
        if path.name.startswith(begun) and (begun.startswith(".") or not path.name.startswith(".")):
            if path.is_dir():
                found.append(f"{folder}{path.name}/")
            elif path.suffix.lower() in suffixes:
                found.append(f"{folder}{path.name}")
    # A shell would set a space behind the only word.
    if len(found) == 1 and found[0].endswith("/"):
        return [*found, *files(found[0], suffixes)]
    return found


def _entries(folder: str) -> list[Path]:
    try:
        return sorted(Path(folder).expanduser().iterdir())
    except OSError:
        return []
