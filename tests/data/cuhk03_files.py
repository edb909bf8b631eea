"""CUHK03's two files, made by hand: tables of references in HDF5 as MATLAB 7.3 writes them, and the protocol."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

RED = (255, 0, 0)
SIZE = (12, 6)  # H, W
PEOPLE = 4  # of each pair of cameras
NUMBERS = (1, 2, 6, 7)  # of the ten pictures of a person: two of each view


def picture(pair: int, person: int, number: int) -> np.ndarray:
    """(H, W, 3) uint8: red in the upper left corner, else a grey of its own."""
    pixels = np.full((*SIZE, 3), 40 * pair + 10 * person + number, np.uint8)
    pixels[0, 0] = RED
    return pixels


def write_release(path: Path, kinds: tuple[str, ...] = ("labeled", "detected")) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for kind in kinds:
            pairs = file.create_dataset(kind, (1, 2), h5py.ref_dtype)
            for pair in (1, 2):
                table = file.create_dataset(f"#refs#/{kind}{pair}", (10, PEOPLE), h5py.ref_dtype)
                for person in range(1, PEOPLE + 1):
                    for number in range(1, 11):
                        name = f"#refs#/{kind}{pair}-{person}-{number}"
                        if number in NUMBERS:  # (3, W, H), as MATLAB stores (H, W, 3)
                            cell = file.create_dataset(
                                name, data=picture(pair, person, number).transpose(2, 1, 0)
                            )
                        else:
                            cell = file.create_dataset(name, data=np.zeros(2, np.uint64))  # MATLAB's nothing
                        table[number - 1, person - 1] = cell.ref
                pairs[0, pair - 1] = table.ref


def protocol() -> dict[str, np.ndarray]:
    """People 1 to 4 are those of the first pair, 5 to 8 of the second; the first of each pair are learned from."""
    rows = [
        (f"{pair}_{person:03}_{1 + (number > 5)}_{number:02}.png", PEOPLE * (pair - 1) + person)
        for pair in (1, 2)
        for person in range(1, PEOPLE + 1)
        for number in NUMBERS
    ]
    names = np.empty((len(rows), 1), object)
    names[:, 0] = [name for name, _ in rows]
    learned = [index for index, (name, _) in enumerate(rows, 1) if name[2:5] == "001"]
    sought = [
        index
        for index, (name, _) in enumerate(rows, 1)
        if name[2:5] != "001" and name[6:10] in ("1_01", "2_06")
    ]
    others = [index for index in range(1, len(rows) + 1) if index not in (*learned, *sought)]
    columns = {
        "train_idx": learned,
        "query_idx": sought,
        "gallery_idx": others,
        "labels": [label for _, label in rows],
    }
    return {"filelist": names, **{name: np.array([values]).T for name, values in columns.items()}}


def write_protocol(path: Path, **changed: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {**protocol(), **changed})
