"""Data sets of noise in the layouts that their loaders read: 12 pictures to learn from, few to measure on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (32, 32)
SOUGHT = (2, 7, 1467)  # people to look for


def save_noise(path: Path, seed: int, size: tuple[int, int] = SIZE) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def save_all(root: Path, names: list[str]) -> None:
    for seed, name in enumerate(names):
        save_noise(root / name, seed)


def lay_out_classes(root: Path) -> None:
    """Three classes; ``train/cat`` holds two pictures, ``train/dog`` three, and so on."""
    for part, fewest in (("train", 2), ("test", 1)):
        for more, name in enumerate(("cat", "dog", "owl")):
            for index in range(fewest + more):
                save_noise(root / part / name / f"{index}.png", 100 * (part == "test") + 10 * more + index)


def crops_of(train: str, query: str, gallery: str) -> list[str]:
    """Four people with three pictures to learn from; of three others a query each and five pictures besides junk."""
    return [
        *(
            f"{train}/{person:04}_c{1 + shot}s1_{shot:06}_01.png"
            for person in (3, 5, 9, 1501)
            for shot in range(3)
        ),
        *(f"{query}/{person:04}_c1s1_000900_00.png" for person in SOUGHT),
        *(f"{gallery}/{person:04}_c2s1_000901_01.png" for person in SOUGHT),
        *(f"{gallery}/0000_c2s1_00090{shot}_01.png" for shot in (1, 2)),
        f"{gallery}/-1_c2s1_000902_01.png",
    ]


def lay_out_market(root: Path) -> None:
    save_all(root, crops_of("bounding_box_train", "query", "bounding_box_test"))


def lay_out_reid_folder(root: Path) -> None:
    save_all(root, crops_of("train", "query", "gallery"))


def lay_out_cuhk03(root: Path, kind: str = "labeled") -> None:
    lay_out_market(root / kind)


def lay_out_msmt17(root: Path, folders: tuple[str, str] = ("train", "test")) -> None:
    """People from 0, in both parts anew; the last of training is in the list of validation."""
    lists = {
        "list_train.txt": (folders[0], [(person, shot) for person in range(3) for shot in range(3)]),
        "list_val.txt": (folders[0], [(3, shot) for shot in range(3)]),
        "list_query.txt": (folders[1], [(person, 0) for person in range(3)]),
        "list_gallery.txt": (folders[1], [(person, shot) for person in range(3) for shot in (1, 2)][:5]),
    }
    seed = 0
    for name, (folder, shots) in lists.items():
        lines = []
        for person, shot in shots:
            below = f"{person:04}/{person:04}_{shot:03}_{shot + 14:02}_0303morning_0015_0.jpg"
            save_noise(root / folder / below, seed := seed + 1)
            lines.append(f"{below} {person}\n")
        (root / name).write_text("".join(lines))


LAY_OUT = {
    "cifar10": lay_out_classes,
    "cifar100": lay_out_classes,
    "cuhk03-detected": lambda root: lay_out_cuhk03(root, "detected"),
    "cuhk03-labeled": lay_out_cuhk03,
    "dukemtmc": lay_out_market,
    "folder": lay_out_classes,
    "market1501": lay_out_market,
    "msmt17": lay_out_msmt17,
    "reid-folder": lay_out_reid_folder,
}
