"""How a figure looks: the options of every command that draws one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from rgaviz.cli import completion
from rgaviz.cli.groups import Group
from rgaviz.cli.option_groups import parse_names
from rgaviz.cli.options import FIGURE


@dataclass(frozen=True)
class Figure(Group):
    """How a figure looks; the defaults are those of ``rgaviz.figures.style.FigureOptions``, which is too heavy here."""

    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="pdf, png, svg, or several with commas.",
            show_default="the suffix of --out, else pdf",
            rich_help_panel=FIGURE,
            autocompletion=completion.several(completion.FORMATS),
        ),
    ] = None
    venue: Annotated[
        str,
        typer.Option(
            help="Sizes and fonts: cvpr, iccv, eccv, neurips, icml, ieee or screen.",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.VENUES),
        ),
    ] = "cvpr"
    width: Annotated[
        str,
        typer.Option(
            help="column, text, or inches.",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.WIDTHS),
        ),
    ] = "text"
    dpi: Annotated[
        int, typer.Option(help="Resolution of the pictures in the figure.", rich_help_panel=FIGURE)
    ] = 300
    title: Annotated[
        bool, typer.Option("--title/--no-title", help="Titles above the panels.", rich_help_panel=FIGURE)
    ] = True

    outline: Annotated[
        bool,
        typer.Option(
            "--outline/--no-outline",
            help="Text in SVG as outlines: the same where fonts are missing.",
            rich_help_panel=FIGURE,
        ),
    ] = False

    def changes(self) -> dict[str, Any]:
        """The arguments of ``FigureOptions``."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if self.formats is not None:
            given["formats"] = tuple(name.strip() for name in self.formats.split(",") if name.strip())
        return given


@dataclass(frozen=True)
class NamedFigure(Figure):
    """How a figure looks that names networks."""

    names: Annotated[
        str | None,
        typer.Option(
            help='What the networks are called, with commas: "ResNet-18,+ RGA (ours)".',
            show_default="as their files",
            rich_help_panel=FIGURE,
        ),
    ] = None

    def changes(self) -> dict[str, Any]:
        """The arguments of ``FigureOptions``."""
        given = super().changes()
        if self.names is not None:
            given["names"] = tuple(parse_names(self.names, "--names"))
        return given


@dataclass(frozen=True)
class MapFigure(NamedFigure):
    """How a figure looks that shows maps over pictures."""

    cmap: Annotated[
        str,
        typer.Option(
            help="A matplotlib colour map.",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.COLOUR_MAPS),
        ),
    ] = "turbo"
    alpha: Annotated[float, typer.Option(help="Opacity of the heat map, 0 to 1.", rich_help_panel=FIGURE)] = (
        0.5
    )
    label_alpha: Annotated[
        float,
        typer.Option(
            help="Opacity of the labels of pixels, 0 to 1; 1 shows them alone.", rich_help_panel=FIGURE
        ),
    ] = 0.75
    scale: Annotated[
        str | None,
        typer.Option(
            help="shared, model, image or fixed:LO,HI.",
            show_default="model for CAMs, shared for masks",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.SCALES),
        ),
    ] = None
    interpolation: Annotated[
        str,
        typer.Option(
            help="How maps are enlarged: bilinear, or nearest, which shows their grid.",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.INTERPOLATIONS),
        ),
    ] = "bilinear"
    pages: Annotated[
        int, typer.Option(help="Pages drawn of a long figure at most, 0 for all.", rich_help_panel=FIGURE)
    ] = 10
    jpeg: Annotated[
        int,
        typer.Option(
            help="Quality of the pictures in PDF files as JPEG, 1 to 100, such as 90: smaller; 0 keeps them exact.",
            rich_help_panel=FIGURE,
        ),
    ] = 0
    preset: Annotated[
        str,
        typer.Option(
            help="Layout: rows, one for each picture, or figure3, narrow panels side by side in parts (a) and (b).",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.PRESETS),
        ),
    ] = "rows"
    captions: Annotated[
        str,
        typer.Option(
            help="Under the panels: full, short (what the network says) or none; warnings stay.",
            rich_help_panel=FIGURE,
            autocompletion=completion.one(completion.CAPTIONS),
        ),
    ] = "full"
    columns: Annotated[
        int,
        typer.Option(
            help="With figure3: pictures beside each other in each part, 0 for as many as fit.",
            rich_help_panel=FIGURE,
        ),
    ] = 0
