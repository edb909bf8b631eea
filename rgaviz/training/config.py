"""Settings of a training: defaults live here once, recipes override them, ``--set`` overrides recipes."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from rgaviz.errors import (
    LONGEST_PART,
    RgavizError,
    SeveralFaults,
    one_line,
    quoted,
    shortened,
    together,
    unknown_name,
)
from rgaviz.regular import read_regular
from rgaviz.training.checked import Table, must, named
from rgaviz.training.optim import OPTIMIZERS, RISING, SCHEDULES

RECIPES = Path(__file__).parent / "recipes"
LARGEST_RECIPE = 2**20  # bytes; those that are shipped have a thousandth of it
OF_TASKS = (  # keys of [train] that one task reads and another does not
    "label_smoothing",
    "class_weights",
    "images_per_identity",
    "triplet_margin",
    "triplet_weight",
    "auxiliary_weight",
    "ohem_keep",
    "ohem_threshold",
    "keep_last",
)
PRECISIONS = ("auto", "fp32", "bf16")

LIST = Field(strict=False)  # TOML has lists, a frozen table has tuples
POSITIVE = must(lambda value: value > 0, "positive")
NOT_NEGATIVE = must(lambda value: value >= 0, "0 or more")
FRACTION = must(lambda value: 0 <= value < 1, "at least 0 and below 1")
AT_LEAST_1 = must(lambda value: value >= 1, "1 or more")
AT_LEAST_2 = must(lambda value: value >= 2, "2 or more")
MOST = 10**9  # of whatever a number counts or measures: far beyond, sums overflow and no file can record it
COUNT = must(lambda value: value <= MOST, "a thousand million or less")
WORKERS = must(lambda value: value <= 1024, "1024 or less")
COUNTS = must(lambda values: all(0 <= each <= MOST for each in values), "from 0 to a thousand million each")
INSIDE = must(lambda value: 0 < value < 1, "between 0 and 1")
LARGEST_IMAGE = 4096  # pixels a side, as checkpoints have it
SIDES = must(
    lambda sides: len(sides) == 2 and min(sides) >= 8 and max(sides) <= LARGEST_IMAGE,
    f"two sides of 8 to {LARGEST_IMAGE} pixels, such as [32, 32]",
)
ALL_POSITIVE = must(
    lambda values: len(values) > 0 and all(0 < each <= MOST for each in values),
    "positive and a thousand million at most, one for each class",
)


def _augmentations() -> Iterable[str]:
    from rgaviz.data.augment import AUGMENTATIONS, FITTED

    return [*AUGMENTATIONS, FITTED]


class ModelConfig(Table):
    """The network. Beside these keys any option of the architecture, as ``create_model`` takes it."""

    model_config = ConfigDict(extra="allow")
    title: ClassVar[str] = "model"

    arch: str = "resnet18-w16"
    attention: Annotated[tuple[str, ...], LIST] = ("none", "rga-sc")  # a network is trained for each
    pretrained: str = "none"  # weights to start from: none, torchvision, or a file

    @property
    def options(self) -> dict[str, Any]:
        """Those of the architecture that were given."""
        return dict(self.model_extra or {})

    @model_validator(mode="before")
    @classmethod
    def _frozen(cls, values: dict[str, Any]) -> dict[str, Any]:
        """None is the architecture's own default; lists become tuples."""
        given = {name: value for name, value in values.items() if value is not None}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}

    @model_validator(mode="after")
    def _options_exist(self) -> Self:
        if faults := list(_option_faults(self.arch, self.options)):
            raise ValueError(*faults)
        return self


def _option_faults(arch: str, options: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with options of the architecture, a sentence each."""
    if not options:
        return  # without PyTorch
    from rgaviz.models import MODELS, model_options, option_faults

    known = {name for each in MODELS for name in model_options(each)}
    for name, value in options.items():
        if name in known:
            yield from (f"model.{name}: {fault}" for fault in option_faults(arch, {name: value}))
        else:
            yield str(unknown_name(name, {*known, *ModelConfig.model_fields}, "recipe key model.*"))


class DataConfig(Table):
    """The images."""

    title: ClassVar[str] = "data"

    image_size: Annotated[tuple[int, ...], LIST, SIDES] = (32, 32)  # height, width in pixels
    train_size: Annotated[int, AT_LEAST_2, COUNT] | None = None  # images; None is all
    test_size: Annotated[int, AT_LEAST_1, COUNT] | None = None  # images; None is all
    held_out: Annotated[float, INSIDE] = 0.2  # fraction held out for testing, where there is no test folder
    augment: Annotated[str, named("data.augment", _augmentations)] = "shift-mirror"
    workers: Annotated[int, NOT_NEGATIVE, WORKERS] = (
        2  # processes that read ahead what does not fit into memory
    )


class TrainConfig(Table):
    """How the weights are learned."""

    title: ClassVar[str] = "train"

    epochs: Annotated[int, POSITIVE, COUNT] = 8
    # What one step of the optimizer sees, over all processes; 0 fits the number of images.
    batch_size: Annotated[int, NOT_NEGATIVE, COUNT] = 128
    keep_last: bool = False  # the last, incomplete batch of an epoch counts, too
    accumulate: Annotated[int, POSITIVE, COUNT] = 1  # parts of a batch that are computed one after the other
    optimizer: Annotated[str, named("train.optimizer", lambda: OPTIMIZERS)] = "sgd"
    lr: Annotated[float, POSITIVE, COUNT] = 0.4  # the largest learning rate
    schedule: Annotated[str, named("train.schedule", lambda: SCHEDULES)] = "one-cycle"
    warmup: Annotated[float, NOT_NEGATIVE, COUNT] = (
        2.0  # epochs; rising to lr, or for "steps" constant at warmup_lr
    )
    warmup_lr: Annotated[float, NOT_NEGATIVE, COUNT] = 0.01  # of "steps" and "warmup-steps"
    milestones: Annotated[
        tuple[int, ...], LIST, COUNTS
    ] = ()  # epochs after which these multiply the learning rate
    gamma: Annotated[float, POSITIVE, COUNT] = 0.1  # by this
    momentum: Annotated[float, FRACTION] = 0.9  # of sgd, there Nesterov's; of adam the first beta
    weight_decay: Annotated[float, NOT_NEGATIVE, COUNT] = 5e-4
    decay_all: bool = False  # also normalisation and biases
    clip_norm: Annotated[float, POSITIVE, COUNT] | None = None  # the gradient is scaled down to this norm
    label_smoothing: Annotated[float, FRACTION] = 0.1
    class_weights: Annotated[tuple[float, ...], LIST, ALL_POSITIVE] | None = None  # of the loss; None: 1 each
    images_per_identity: Annotated[int, POSITIVE] = 4  # in a batch, of as many identities as that gives
    triplet_margin: Annotated[float, NOT_NEGATIVE] = 0.3  # by which other identities must be farther away
    triplet_weight: Annotated[float, NOT_NEGATIVE] = 1.0  # of the triplet loss beside that of the identities
    auxiliary_weight: Annotated[float, NOT_NEGATIVE, COUNT] = (
        0.4  # of the loss of a segmentation network's second head
    )
    ohem_keep: Annotated[int, NOT_NEGATIVE, COUNT] = (
        0  # hardest pixels of a part of a batch that count at least; 0 is all
    )
    ohem_threshold: Annotated[float, INSIDE] = 0.7  # and all whose own class is less probable
    sync_batchnorm: bool = False  # statistics over all processes, on GPUs
    precision: Annotated[str, named("train.precision", lambda: PRECISIONS)] = (
        "auto"  # auto: bf16 where in hardware
    )
    compile: bool = False
    evaluate_every: Annotated[int, POSITIVE, COUNT] = 1  # epochs; the last one always is
    save_minutes: Annotated[float, NOT_NEGATIVE, COUNT] = 5.0  # what a killed run may lose
    keep_every: Annotated[int, NOT_NEGATIVE, COUNT] = 0  # epochs from one kept checkpoint to the next

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = []
        if self.schedule in RISING and not self.warmup < self.epochs:
            faults.append(f"train.warmup = {self.warmup!r} must be less than train.epochs.")
        if 0 < self.batch_size < self.accumulate:
            faults.append(f"train.accumulate = {self.accumulate!r} must be at most train.batch_size.")
        if math.log10(self.lr) + len(self.milestones) * math.log10(self.gamma) > math.log10(MOST):
            faults.append(f"train.gamma = {self.gamma!r} leads to learning rates beyond a thousand million.")
        if faults:
            raise ValueError(*faults)
        return self


class Recipe(Table):
    """All settings of a training, in three tables as in a recipe file."""

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a checkpoint holds them; None for an option of the architecture that was not given."""
        from rgaviz.models import model_options

        plain = self.model_dump()
        return {**plain, "model": {**dict.fromkeys(model_options(self.model.arch)), **plain["model"]}}


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def recipe_text(name: str) -> str:
    """A recipe file, shipped or the user's own, as text.

    Raises:
        RgavizError: no such recipe, or a file that is none.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if name not in recipe_names():
            raise unknown_name(name, recipe_names(), "recipe")
        path = RECIPES / f"{name}.toml"
    try:
        return read_regular(path, LARGEST_RECIPE).decode()
    except FileNotFoundError as error:
        raise RgavizError(f"{path} does not exist. See: rgaviz list recipes") from error
    except (
        OSError,
        ValueError,
    ) as error:  # no regular file, far too large, a name that none can have, not UTF-8
        raise _invalid(path, getattr(error, "strerror", None) or error) from error


def _invalid(path: str | Path, why: object) -> RgavizError:
    return RgavizError(
        f"{path} is not a valid recipe ({one_line(why)}). Start from a copy: rgaviz recipe cifar10"
    )


def load_recipe(name: str, overrides: Iterable[str] = (), *, epochs: int | None = None) -> Recipe:
    """The settings of a recipe, with the user's changes.

    Args:
        name: of a shipped recipe, or the path of a ``.toml`` file.
        overrides: ``"table.key=value"`` each, values as in TOML (a bare word is a string).
        epochs: shorthand for ``train.epochs``; milestones and warm-up shrink in proportion.

    Raises:
        RgavizError: no such recipe, not TOML, an unknown key, or an impossible value; all faults at once.
    """
    text = recipe_text(name)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not TOML, or numbers and lists beyond all bounds
        raise _invalid(name, error) from error
    for override in overrides:
        _override(tables, override)
    recipe = _build(tables, name)
    return recipe if epochs is None else recipe.changed(train=_with_epochs(recipe.train, epochs))


def _with_epochs(train: TrainConfig, epochs: int) -> TrainConfig:
    """The same schedule, squeezed or stretched."""
    factor = epochs / train.epochs
    milestones = tuple(max(1, round(milestone * factor)) for milestone in train.milestones)
    return train.changed(epochs=epochs, milestones=milestones, warmup=train.warmup * min(1.0, factor))


def _override(tables: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not (separator and dot and name):
        raise RgavizError(f"--set {override} is not of the form table.key=value, e.g. --set train.lr=0.1")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists in lists
        raise RgavizError(
            f"--set {key.strip()}=... has a value that is too long; give a shorter one."
        ) from error
    if not isinstance(tables.setdefault(table, {}), dict):
        raise RgavizError(f"Recipe key {table!r} is not a table.")
    tables[table][name] = value


def _build(tables: Mapping[str, Any], source: str) -> Recipe:
    """Check every table, report all faults in one line."""
    kinds: dict[str, type[Table]] = {kind.title: kind for kind in (ModelConfig, DataConfig, TrainConfig)}
    faults: list[str] = []
    parts: dict[str, Any] = {}
    for table, values in tables.items():
        if table not in kinds:
            faults.append(str(unknown_name(table, kinds, "recipe table")))
        elif not isinstance(values, Mapping):
            faults.append(f"{table} = {quoted(values)} is not a table: write [{table}] and its keys below.")
        else:
            try:
                parts[table] = kinds[table](**values)
            except SeveralFaults as error:
                faults.extend(error.faults)
    if faults:
        raise RgavizError(together(faults, f"Recipe {shortened(source, LONGEST_PART)}: "))
    return Recipe(**parts)
