"""A row of a table: one network, with what was measured of it by data set and seed."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from rgaviz.own_code import is_own_code, own_name
from rgaviz.tasks import Measure

FAMILIES = {  # of names that begin alike the longer one first
    "dilated-resnet": "ResNet",
    "resnet": "ResNet",
    "densenet-bc": "DenseNet-BC",
    "densenet": "DenseNet",
}
ATTENTIONS = {
    "none": "",
    "rga-parallel": "RGA-S//C",
    "rga-s-norel": "RGA-S w/o Rel.",
    "rga-s-novis": "RGA-S w/o Vis.",
    "rga-c-norel": "RGA-C w/o Rel.",
    "rga-c-novis": "RGA-C w/o Vis.",
    "fc-parallel": "FC-S//C",
    "nl": "Non-local",
    "nl+rga-s": "Non-local + RGA-S",
}
HEADS = {"ppm": "PPM", "aspp": "ASPP"}  # those that papers name beside the backbone
RGA_LAYERS = 4  # embedding, varphi, W1, W2: how Table 7 counts the depth of a network with RGA-SC


@dataclass
class Row:
    """One network of a table: everything but the seed and the data set is the same.

    Attributes:
        arch: of the backbone.
        attention: a key of ``rgaviz.attention.ATTENTIONS``.
        epochs: of the training.
        parameters: learned values, by data set.
        measures: those of the network's task that stand in a table, the headline first.
        values: those of the test images after the last epoch, by data set, seed and key of the measure.
        setting: what sets it apart from a row of the same name, e.g. ``"train.lr=0.1"``.
        head: a key of ``HEADS``, or "".
    """

    arch: str
    attention: str
    epochs: int
    measures: tuple[Measure, ...]
    parameters: dict[str, int] = field(default_factory=dict)
    values: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    setting: str = ""
    head: str = ""

    @property
    def network(self) -> tuple[str, str, str]:
        """Backbone, attention and head."""
        return self.arch, self.attention, self.head

    @property
    def measure(self) -> Measure:
        """The headline."""
        return self.measures[0]

    def by_seed(self, dataset: str, measure: Measure) -> dict[int, float]:
        """What was measured on a data set, by seed; nothing where it was not."""
        seeds = self.values.get(dataset, {})
        return {seed: found[measure.key] for seed, found in seeds.items() if measure.key in found}

    @property
    def family(self) -> str:
        """The backbone without its depth, as a title."""
        before, _, after = self.parts
        title = next((title for name, title in FAMILIES.items() if before.startswith(name)), before)
        return f"{title}{after}"

    @property
    def depth(self) -> str:
        """Layers of the backbone, and those of RGA-SC as Table 7 counts them."""
        number = self.parts[1]
        after_all = number and self.attention == "rga-sc" and not self.arch.startswith("dilated-")
        return f"{number}+{RGA_LAYERS}" if after_all else number

    @property
    def parts(self) -> tuple[str, str, str]:
        """``"densenet-bc100"`` -> ``("densenet-bc", "100", "")``; names of other libraries' networks stay whole."""
        if ":" in self.arch:  # numbers in them may be widths
            return self.arch, "", ""
        found = re.match(r"(.*?)(\d+)(.*)$", self.arch)
        return (found[1], found[2], found[3]) if found else (self.arch, "", "")

    @property
    def model(self) -> str:
        """Name of the network."""
        own = own_name(self.attention) if is_own_code(self.attention) else self.attention.upper()
        attention = ATTENTIONS.get(self.attention, own)
        name = " + ".join(part for part in (self.family, HEADS.get(self.head, ""), attention) if part)
        return f"{name} ({self.setting})" if self.setting else name


def mean_and_std(by_seed: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation over seeds, None where there are too few."""
    values = list(by_seed.values())
    return (
        statistics.mean(values) if values else None,
        statistics.stdev(values) if len(values) > 1 else None,
    )
