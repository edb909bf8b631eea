"""What the shell offers behind a half-typed word. It waits for the answer, so nothing heavy is loaded here.

The names in registries are read from the sources, since importing those may load torch or matplotlib.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from pathlib import Path

from rgaviz.bundled import PACKAGE

Names = Callable[[], Iterable[str]]
Complete = Callable[[str], list[str]]


def registry(file: str, name: str) -> Names:
    """The keys of a dictionary of this package as its source has them: importing it might load torch.

    Args:
        file: below the package.
        name: of the dictionary, which is written out there.
    """

    def keys() -> list[str]:
        for node in ast.parse((PACKAGE / file).read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            table = getattr(node, "value", None)
            if isinstance(table, ast.Dict) and [ast.unparse(each) for each in targets if each] == [name]:
                return [ast.literal_eval(key) for key in table.keys if key]
        raise LookupError(f"{file} has no dictionary {name}")

    return keys


def paper_tables() -> list[str]:
    """Tables of papers whose numbers are here."""
    return sorted(path.stem for path in (PACKAGE / "runs" / "papers").glob("*.toml"))


def targets() -> list[str]:
    """Words for what a map is about, as the classes of the tasks have them."""
    found: list[str] = []
    for file in sorted((PACKAGE / "tasks").glob("*.py")):
        tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for node in (each for each in tree if isinstance(each, ast.AnnAssign)):
            if node.value and ast.unparse(node.target) == "targets":
                found += ast.literal_eval(node.value)
    return list(dict.fromkeys(found))


ATTENTIONS = registry("attention/__init__.py", "ATTENTIONS")
MODELS = registry("models/create.py", "MODELS")
METHODS = registry("explain/methods.py", "METHODS")
DATASETS = registry("data/sets/__init__.py", "DATASETS")
TRUTHS = registry("data/sets/__init__.py", "TRUTHS")
VENUES = registry("figures/style.py", "VENUES")
CAPTIONS = registry("figures/style.py", "CAPTIONS")
PRESETS = registry("figures/style.py", "PRESETS")
INTERPOLATIONS = registry("figures/overlay.py", "INTERPOLATIONS")
COSTS = registry("analysis/cost.py", "COSTS")
TABLE_FORMATS = registry("runs/table.py", "FORMATS")
PICKS = registry("analysis/picking.py", "PICKS")
LISTS = registry("analysis/lists.py", "LISTS")
FORMATS = ("pdf", "png", "svg")
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
OVERLAYS = ("none", "mask", "cam")
FAITHFUL = registry("analysis/faithful.py", "MEASURES")
OUTPUTS = registry("tasks/classification.py", "OUTPUTS")
CHOICES = registry("analysis/choosing.py", "PICKS")
GROUPED = registry("analysis/grouped.py", "BY")
SMOOTH = registry("explain/making.py", "SMOOTH")
WAYS = registry("explain/ablation.py", "WAYS")
PRECISIONS = ("auto", "fp32", "bf16")
WIDTHS = ("column", "text")


def one(names: Iterable[str] | Names) -> Complete:
    """Completes a word to one of some names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in _known(names) if name.startswith(incomplete)]

    return complete


def several(names: Iterable[str] | Names) -> Complete:
    """Completes the last of several names with commas; each is offered once."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        left = (name for name in _known(names) if name not in before.split(","))
        return [f"{before}{comma}{name}" for name in left if name.startswith(last)]

    return complete


def _known(names: Iterable[str] | Names) -> Iterable[str]:
    return names() if callable(names) else names


def checkpoints(incomplete: str) -> list[str]:
    """Files of weights, folders on the way to them, and the libraries."""
    from rgaviz.analysis.inputs import CHECKPOINT_SUFFIXES

    return [*files(incomplete, CHECKPOINT_SUFFIXES), *one(LIBRARIES)(incomplete)]


def inputs(incomplete: str) -> list[str]:
    """Checkpoints and pictures."""
    from rgaviz.analysis.inputs import CHECKPOINT_SUFFIXES

    return [*files(incomplete, CHECKPOINT_SUFFIXES + PICTURE_SUFFIXES), *one(LIBRARIES)(incomplete)]


def localized(incomplete: str) -> list[str]:
    """Checkpoints, pictures, and data sets whose parts are known."""
    return [*one(TRUTHS)(incomplete), *inputs(incomplete)]


def measured_on(incomplete: str) -> list[str]:
    """Checkpoints, pictures and data sets."""
    return [*one(DATASETS)(incomplete), *inputs(incomplete)]


def over_data(incomplete: str) -> list[str]:
    """Checkpoints and data sets."""
    return [*one(DATASETS)(incomplete), *checkpoints(incomplete)]


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
