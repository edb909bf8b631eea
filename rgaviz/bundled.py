"""The weights and photographs that come with the package."""

from __future__ import annotations

from pathlib import Path

from rgaviz.errors import RgavizError

PACKAGE = Path(__file__).parent


def bundled(name: str) -> Path:
    """The path of a bundled file or folder, e.g. ``"weights/rga.pt"`` or ``"sample_images"``.

    A wheel carries everything inside the package; in a source tree the photographs lie beside it.
    """
    for root in (PACKAGE, PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise RgavizError(f"The bundled {name} is missing from this installation. Install rgaviz again.")


def sample_pictures() -> list[Path]:
    """The bundled photographs."""
    return sorted(bundled("sample_images").glob("*.jpg"))
