"""What ``rgaviz faithfulness`` wrote, for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

FAST = ("--format", "png", "--dpi", "50", "--steps", "4")
MEASURES = ["deletion", "insertion", "road", "drop", "increase", "sensitivity"]


def table(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def row_of(rows, network, name, measure="deletion"):
    (row,) = (row for row in rows if (row["network"], row["map"], row["measure"]) == (network, name, measure))
    return row


def by_picture(folder, network, name, column="deletion"):
    rows = table(f"{folder}/tables/pictures.csv")
    return np.array(
        [float(row[column] or "nan") for row in rows if (row["network"], row["map"]) == (network, name)]
    )
