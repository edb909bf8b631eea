"""Settings of a training: defaults live here once, recipes override them, ``--set`` overrides recipes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from rgaviz.errors import RgavizError, lookup, unknown_name
from rgaviz.training.optim import SCHEDULES

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class ModelConfig:
    """The network; None means the architecture's own default."""

    arch: str = "resnet18-w16"
    attention: tuple[str, ...] = ("none", "rga-sc")  # a network is trained for each
    attention_layers: tuple[str, ...] | None = None  # stages that get the attention
    width: int | None = None  # channels of the first stage
    s1: int | None = None  # reduction ratio of the embeddings
    s2: int | None = None  # reduction ratio of W1
    last_stride: int | None = None  # of a ResNet
    memory_efficient: bool | None = None  # of a DenseNet: less memory in training, more time


@dataclass(frozen=True)
class DataConfig:
    """The images."""

    image_size: tuple[int, ...] = (32, 32)  # height, width in pixels
    train_size: int | None = None  # images; None is all
    test_size: int | None = None  # images; None is all
    held_out: float = 0.2  # fraction held out for testing, where there is no test folder

    def __post_init__(self) -> None:
        sides = self.image_size
        _require(
            (len(sides) == 2 and min(sides) >= 8, "data.image_size", "two sides of 8 pixels or more"),
            (self.train_size is None or self.train_size >= 2, "data.train_size", "2 or more"),
            (self.test_size is None or self.test_size >= 1, "data.test_size", "1 or more"),
            (0 < self.held_out < 1, "data.held_out", "between 0 and 1"),
        )


@dataclass(frozen=True)
class TrainConfig:
    """Stochastic gradient descent with Nesterov momentum."""

    epochs: int = 8
    batch_size: int = 128  # over all processes
    lr: float = 0.4  # the largest learning rate
    schedule: str = "one-cycle"  # one-cycle: linear up, linear down to 0; steps: divided by 10 at milestones
    warmup: float = 2.0  # epochs; rising to lr, or for "steps" constant at warmup_lr
    warmup_lr: float = 0.01
    milestones: tuple[int, ...] = ()  # epochs after which "steps" divides the learning rate by 10
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay_all: bool = False  # also normalisation and biases
    label_smoothing: float = 0.1
    precision: str = "auto"  # fp32, bf16, or auto: bf16 where the hardware multiplies in it
    compile: bool = False

    def __post_init__(self) -> None:
        one_cycle = self.schedule == "one-cycle"
        positive, not_negative = ("epochs", "batch_size", "lr"), ("warmup", "warmup_lr", "weight_decay")
        _require(
            *((getattr(self, name) > 0, f"train.{name}", "positive") for name in positive),
            *((getattr(self, name) >= 0, f"train.{name}", "0 or more") for name in not_negative),
            (0 <= self.momentum < 1, "train.momentum", "at least 0 and below 1"),
            (0 <= self.label_smoothing < 1, "train.label_smoothing", "at least 0 and below 1"),
            (not one_cycle or self.warmup < self.epochs, "train.warmup", "less than train.epochs"),
        )
        lookup(SCHEDULES, self.schedule, "train.schedule")
        lookup(dict.fromkeys(("auto", "fp32", "bf16")), self.precision, "train.precision")


@dataclass(frozen=True)
class Recipe:
    """All settings of a training, in three tables as in a recipe file."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a checkpoint holds them."""
        return asdict(self)


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_text(name: str) -> str:
    """A recipe file, shipped or the user's own, as text.

    Raises:
        RgavizError: no such recipe.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise RgavizError(f"{path} does not exist. See: rgaviz list recipes")
        return path.read_text(encoding="utf-8")
    if name not in recipe_names():
        raise unknown_name(name, recipe_names(), "recipe")
    return (RECIPES / f"{name}.toml").read_text(encoding="utf-8")


def load_recipe(name: str, overrides: Iterable[str] = (), *, epochs: int | None = None) -> Recipe:
    """The settings of a recipe, with the user's changes.

    Args:
        name: of a shipped recipe, or the path of a ``.toml`` file.
        overrides: ``"table.key=value"`` each, values as in TOML (a bare word is a string).
        epochs: shorthand for ``train.epochs``; milestones and warm-up shrink in proportion.

    Raises:
        RgavizError: no such recipe, not TOML, an unknown key, or an impossible value; all faults at once.
    """
    try:
        tables = tomllib.loads(recipe_text(name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RgavizError(
            f"{name} is not a valid recipe ({error}). Start from a copy: rgaviz recipe cifar10"
        ) from error
    for override in overrides:
        _override(tables, override)
    recipe = _build(tables, name)
    return recipe if epochs is None else replace(recipe, train=_with_epochs(recipe.train, epochs))


def _with_epochs(train: TrainConfig, epochs: int) -> TrainConfig:
    """The same schedule, squeezed or stretched."""
    factor = epochs / train.epochs
    milestones = tuple(max(1, round(milestone * factor)) for milestone in train.milestones)
    return replace(train, epochs=epochs, milestones=milestones, warmup=train.warmup * min(1.0, factor))


def _override(tables: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not (separator and dot and name):
        raise RgavizError(f"--set {override} is not of the form table.key=value, e.g. --set train.lr=0.1")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    if not isinstance(tables.setdefault(table, {}), dict):
        raise RgavizError(f"Recipe key {table!r} is not a table.")
    tables[table][name] = value


def _build(tables: Mapping[str, Any], source: str) -> Recipe:
    """Check every table and key, report all faults in one line."""
    faults: list[str] = []
    parts: dict[str, Any] = {}
    kinds = get_type_hints(Recipe)
    for table, values in tables.items():
        if table not in kinds:
            faults.append(str(unknown_name(table, kinds, "recipe table")))
        elif not isinstance(values, Mapping):
            faults.append(f"{table} = {values!r} is not a table: write [{table}] and its keys below.")
        elif wrong := _key_faults(table, values, kinds[table]):
            faults += wrong
        else:
            settings = {name: _frozen(value) for name, value in values.items()}
            try:
                parts[table] = kinds[table](**settings)
            except RgavizError as error:
                faults.append(str(error))
    if faults:
        raise RgavizError(f"Recipe {source}: {' '.join(faults)}")
    return Recipe(**parts)


def _key_faults(table: str, values: Mapping[str, Any], kind: type) -> list[str]:
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    faults = [str(unknown_name(name, known, f"recipe key {table}.*")) for name in values if name not in known]
    for name, value in values.items():
        if name in known and not _matches(value, hints[name]):
            faults.append(f"{table}.{name} = {value!r} is not {_describe(hints[name])}.")
    return faults


def _matches(value: Any, hint: Any) -> bool:
    """Whether a TOML value fits a field: an int is also a float, a list is a tuple, bool is no number."""
    if isinstance(hint, UnionType):
        return any(_matches(value, option) for option in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(_matches(each, get_args(hint)[0]) for each in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def _describe(hint: Any) -> str:
    if isinstance(hint, UnionType):
        return _describe(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return f"a list of {get_args(hint)[0].__name__}"
    return {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}.get(
        hint, str(hint)
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _require(*rules: tuple[bool, str, str]) -> None:
    """Of every rule: whether it holds, of which key, and what is wanted; raises with all that are broken."""
    faults = [f"{name} must be {wanted}." for holds, name, wanted in rules if not holds]
    if faults:
        raise RgavizError(" ".join(faults))
