"""Writing a results folder, picture by picture."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from rgaviz.errors import OutputError
from rgaviz.outputs import output_error
from rgaviz.results.manifest import MANIFEST, MAPS, PICTURES, SCHEMA, json_bytes, own_files, refuse_foreign


class ResultsWriter:
    """Writes a results folder picture by picture, so that memory does not grow with their number.

    All goes to a temporary folder beside the final one, which is put in place when the ``with`` block ends
    well; after an exception nothing is left and earlier results stay as they were. Earlier results of ours in
    the same place are replaced; files that are not ours are kept, and never overwritten. The same content
    gives the same bytes.

    Args:
        folder: where the results shall be.
        manifest_head: the manifest without ``schema`` and ``pictures``, which are added here.

    Raises:
        OutputError: the folder cannot be written, or holds a file of someone else's under one of our names.
    """

    def __init__(self, folder: Path | str, manifest_head: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.head = dict(manifest_head)
        self.pictures: list[dict[str, Any]] = []

    def __enter__(self) -> ResultsWriter:
        refuse_foreign(self.folder, [MANIFEST, MAPS])  # now, not after an hour of work
        self._temporary = self.folder.parent / f".rgaviz-{secrets.token_hex(4)}.tmp"
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"Cannot write {self.folder}: it is a file. Choose another folder with -o.")
            (self._temporary / PICTURES).mkdir(parents=True)
            self._archive = zipfile.ZipFile(self._temporary / MAPS, "w")
        except OSError as error:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise output_error(self.folder, error) from error
        return self

    def add(
        self, picture_entry: Mapping[str, Any], picture: np.ndarray, maps: Mapping[str, np.ndarray]
    ) -> None:
        """Add one picture with its maps; they are on the disk when this returns.

        Args:
            picture_entry: the manifest's entry (``id``, ``path``, ``size``, ``label``, ``panels``).
            picture: RGB uint8 (H, W, 3), at the size shown.
            maps: raw maps under ``"<checkpoint id>/<map name>"``; saved as float32.
        """
        identity = picture_entry["id"]
        try:
            Image.fromarray(picture).save(self._temporary / PICTURES / f"{identity}.png")
            for key, values in maps.items():
                member = zipfile.ZipInfo(f"{identity}/{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                with self._archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(values, dtype=np.float32), allow_pickle=False)
        except OSError as error:
            raise output_error(self.folder, error) from error
        self.pictures.append(dict(picture_entry))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._archive.close()
            if kind is None:
                manifest = {**self.head, "schema": SCHEMA, "pictures": self.pictures}
                (self._temporary / MANIFEST).write_bytes(json_bytes(manifest))
                _put_in_place(self._temporary, self.folder)
        except OSError as fault:
            if kind is None:
                raise output_error(self.folder, fault) from fault
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Make ``folder`` hold what ``temporary`` holds, and keep every file in it that is not ours."""
    if not folder.exists():
        temporary.rename(folder)
        return
    new = [path.relative_to(temporary).as_posix() for path in sorted(temporary.rglob("*")) if path.is_file()]
    refuse_foreign(folder, new)
    old = own_files(folder)
    for name in old:
        if (folder / name).is_file():
            (folder / name).unlink()
    for parent in sorted({(folder / name).parent for name in old} - {folder}, reverse=True):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    new.sort(key=lambda name: name == MANIFEST)  # the manifest last: it says that the rest is there
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (temporary / name).replace(folder / name)
