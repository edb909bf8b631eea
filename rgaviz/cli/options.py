"""Options that several commands share, each named once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder with the images: train/<class>/* and test/<class>/*, or an archive's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
