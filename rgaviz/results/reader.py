"""Reading a results folder."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rgaviz.results.manifest import (
    MANIFEST,
    MAPS,
    PICTURES,
    SCHEMA,
    ResultsError,
    load_manifest,
    manifest_fault,
)


@dataclass(frozen=True)
class Results:
    """A results folder that has been opened; pictures and maps are read when asked for.

    Attributes:
        folder: where it lies.
        manifest: the checked ``manifest.json``.
    """

    folder: Path
    manifest: dict[str, Any]
    archive: zipfile.ZipFile = field(repr=False)

    def picture(self, picture_id: str) -> np.ndarray:
        """The picture at the size shown, RGB uint8 (H, W, 3)."""
        path = self.folder / PICTURES / f"{picture_id}.png"
        try:
            with Image.open(path) as image:
                return np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ResultsError(f"Cannot read {path}: run the command that made it again.") from error

    def map(self, picture_id: str, checkpoint_id: str, name: str) -> np.ndarray:
        """A raw map, float32: (h, w) for a CAM or spatial mask, (C,) for a channel mask."""
        key = f"{picture_id}/{checkpoint_id}/{name}"
        try:
            with self.archive.open(f"{key}.npy") as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False), dtype=np.float32)
        except KeyError as error:
            raise ResultsError(
                f"{self.folder / MAPS} has no map {key!r}: run the command that made it again."
            ) from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ResultsError(
                f"{self.folder / MAPS} is damaged at {key!r}: run the command that made it again."
            ) from error


def read_results(folder: Path | str) -> Results:
    """Open a results folder.

    Raises:
        ResultsError: no such folder, not ours, of a newer format, or broken; the message says which.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"No folder {folder}: give the folder that an rgaviz command wrote.")
    manifest = load_manifest(folder)
    if manifest is None:
        raise ResultsError(
            f"No results in {folder}: give a folder with a {MANIFEST} that an rgaviz command wrote."
        )
    if manifest["schema"] > SCHEMA:
        raise ResultsError(
            f"{folder} was written by a newer rgaviz (schema {manifest['schema']}, this one reads {SCHEMA}): "
            "upgrade rgaviz."
        )
    fault = manifest_fault(manifest)
    if fault:
        raise ResultsError(f"{folder / MANIFEST} is broken ({fault}): run the command that made it again.")
    try:
        archive = zipfile.ZipFile(folder / MAPS)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ResultsError(
            f"{folder / MAPS} is missing or damaged: run the command that made it again."
        ) from error
    return Results(folder, manifest, archive)
