"""What a paper reports."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from rgaviz.checkpoint import RESUME_SUFFIX, load_checkpoint
from rgaviz.checkpoint import Checkpoint
from rgaviz.errors import CheckpointError, RgavizError, lookup
from rgaviz.models import count_parameters

# Error (%) by (arch, attention) and data set, arXiv 1904.02998v1.
PAPERS: dict[str, dict[tuple[str, str], dict[str, float]]] = {
    "table7": {
        ("resnet110", "none"): {"cifar10": 6.40, "cifar100": 27.62},
        ("resnet218", "none"): {"cifar10": 6.26, "cifar100": 25.71},
        ("resnet110", "rga-sc"): {"cifar10": 5.91, "cifar100": 25.36},
        ("densenet100", "none"): {"cifar10": 4.08, "cifar100": 20.97},
        ("densenet115", "none"): {"cifar10": 3.93, "cifar100": 20.5},
        ("densenet100", "rga-sc"): {"cifar10": 4.06, "cifar100": 20.15},
        ("densenet-bc100", "none"): {"cifar10": 4.47, "cifar100": 22.78},
        ("densenet-bc115", "none"): {"cifar10": 4.41, "cifar100": 22.13},
        ("densenet-bc100", "rga-sc"): {"cifar10": 4.32, "cifar100": 21.18},
    }
}


def paper_table(name: str) -> dict[tuple[str, str], dict[str, float]]:
    """The figures of a paper's table.

    Raises:
        UnknownNameError: no such table.
    """
    return lookup(PAPERS, name, "paper table")
