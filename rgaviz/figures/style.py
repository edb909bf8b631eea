"""Sizes, fonts and file formats of the venues, and how a figure shall look."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure

from rgaviz.errors import RgavizError, lookup, quoted, unknown_name
from rgaviz.figures.fonts import further_families
from rgaviz.figures.overlay import INTERPOLATIONS

# No date and no program name in the file: a rerun gives identical bytes.
FORMATS: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
SCALES = ("shared", "model", "image", "fixed")
COMMON_COLOUR_MAPS = ("turbo", "jet", "viridis", "inferno", "magma", "cividis")
SMALL = 7.0  # points: captions, ticks and legends
MOST_COLUMNS = 100
RIGHT, WRONG, FLAG = "#006d2c", "#b2182b", "#b35900"
LINE = 1.18  # line height in units of the font size
LINE_SMALL = SMALL * LINE / 72  # inches
PAD = 0.03  # inches between what is drawn and what is said of it
PRESETS = {
    "rows": "a row for each picture, with titles above and captions under its panels",
    "figure3": "the pictures beside each other in two parts, (a) class activation maps and (b) masks",
}

CAPTIONS = {
    "full": "all that is known of a panel",
    "short": "what the network says, in a line",
    "none": "nothing but warnings",
}
LONGEST_NAME = 200  # letters


@dataclass(frozen=True)
class Venue:
    """The sizes of a venue, in inches: a column, the whole text width, and how tall a figure may be."""

    column: float
    text: float
    height: float = 8.5
    serif: bool = True
    points: float = 8.0


def _tueplots(column: str, text: str, height: float = 8.5) -> Venue:
    """Widths from the tueplots library (imported here: a screen figure does not need it)."""
    from tueplots import figsizes

    column_in, text_in = (getattr(figsizes, name)()["figure.figsize"][0] for name in (column, text))
    return Venue(column_in, text_in, height)


VENUES: dict[str, Callable[[], Venue]] = {
    "cvpr": lambda: _tueplots("cvpr2024_half", "cvpr2024_full"),
    "iccv": lambda: _tueplots("cvpr2024_half", "cvpr2024_full"),  # the same CVF template
    "eccv": lambda: _tueplots("eccv2024", "eccv2024", height=7.0),  # one column; LNCS text is 193 mm tall
    "neurips": lambda: _tueplots("neurips2024", "neurips2024"),  # one column
    "icml": lambda: _tueplots("icml2024_half", "icml2024_full"),
    "ieee": lambda: Venue(252 / 72.27, 516 / 72.27),  # IEEEtran: \columnwidth 252 pt, \textwidth 516 pt
    "screen": lambda: Venue(5.0, 10.0, serif=False, points=9.0),
}


@dataclass(frozen=True)
class FigureOptions:
    """How a figure shall look; the same for every kind of figure.

    The default colour map is ``turbo``. Over a photograph the lightness already belongs to the photograph, so
    a map that speaks through lightness (viridis, inferno) is misread there, dark fur as a low value. Turbo
    speaks through hue, in the field's familiar order from blue to red, but changes evenly where jet has false
    edges. Choose ``cividis`` or ``viridis`` for readers with a colour-vision deficiency or for print without
    colour.

    Attributes:
        formats: any of ``pdf``, ``png``, ``svg``.
        venue: a name in :data:`VENUES`.
        width: ``"column"``, ``"text"`` or inches.
        dpi: resolution of the pictures inside the figure, and of PNG files.
        cmap: a matplotlib colour map for maps (differences have their own, diverging one).
        alpha: opacity of the heat map over the picture, 0 to 1.
        label_alpha: opacity of labels over the picture, 0 to 1; with 1 they stand alone.
        title: whether to print titles.
        scale: ``shared``, ``model``, ``image`` or ``fixed:LO,HI`` for all maps; None means ``model`` for
            CAMs and relations, whose raw sizes differ between networks, and ``shared`` for masks, absolute in [0, 1].
        pages: how many pages of a long figure are drawn at most; 0 for all.
        interpolation: how maps are enlarged to the picture: ``bilinear``, or ``nearest``, which shows their grid.
        preset: how panels of pictures are laid out, a key of :data:`PRESETS`.
        outline: text in SVG as outlines, which look the same where the fonts are missing, and can no longer be edited.
        names: what the networks are called in titles, colour bars and legends; by default as their files are.
        captions: what stands under panels: ``full``, ``short`` (what the network says, in a line) or ``none``; warnings
            stand there in any case.
        jpeg: quality of the pictures in PDF files as JPEG, 1 to 100; 0 keeps them exact.
        columns: with ``figure3``, how many pictures stand beside each other in each part; 0 for as many as fit.

    Raises:
        RgavizError: a setting out of its range; the message names the option.
    """

    formats: tuple[str, ...] = ("pdf",)
    venue: str = "cvpr"
    width: str | float = "text"
    dpi: int = 300
    cmap: str = "turbo"
    alpha: float = 0.5
    label_alpha: float = 0.75
    title: bool = True
    scale: str | None = None
    pages: int = 10
    interpolation: str = "bilinear"
    preset: str = "rows"
    columns: int = 0
    outline: bool = False
    jpeg: int = 0
    names: tuple[str, ...] = ()
    captions: str = "full"

    def __post_init__(self) -> None:
        object.__setattr__(self, "formats", tuple(self.formats))  # a manifest holds a list
        for name in self.formats:
            lookup(FORMATS, name, "figure format")
        if not self.formats:
            raise RgavizError(f"--format is empty: choose any of {', '.join(FORMATS)}.")
        lookup(VENUES, self.venue, "venue")
        if self.width not in ("column", "text"):
            object.__setattr__(self, "width", _inches(self.width))
        if not 50 <= self.dpi <= 1200:
            raise RgavizError(f"--dpi {self.dpi} is out of range: choose 50 to 1200.")
        if self.cmap not in matplotlib.colormaps:
            near = difflib.get_close_matches(self.cmap, matplotlib.colormaps, n=3)
            raise unknown_name(self.cmap, {*near, *COMMON_COLOUR_MAPS}, "colour map")
        if not 0 <= self.label_alpha <= 1:
            raise RgavizError(
                f"--label-alpha {self.label_alpha} is out of range: the opacity of labels is 0 to 1."
            )
        if not 0 <= self.alpha <= 1:
            raise RgavizError(f"--alpha {self.alpha} is out of range: the heat-map opacity is 0 to 1.")
        if self.scale is not None:
            parse_scale(self.scale)
        lookup(INTERPOLATIONS, self.interpolation, "interpolation")
        if not isinstance(self.pages, int) or self.pages < 0:
            raise RgavizError(f"--pages {self.pages} is out of range: choose 1 or more, or 0 for all.")
        lookup(PRESETS, self.preset, "preset")
        lookup(CAPTIONS, self.captions, "kind of captions")
        if not isinstance(self.jpeg, int) or not 0 <= self.jpeg <= 100:
            raise RgavizError(
                f"--jpeg {self.jpeg} is out of range: choose 1 to 100, such as 90, or 0 for exact pictures."
            )
        object.__setattr__(self, "names", tuple(self.names))
        if not all(
            isinstance(name, str) and name.strip() and len(name) <= LONGEST_NAME for name in self.names
        ):
            raise RgavizError(
                '--names has one that is no name; write one for each network: "ResNet-18,+ RGA (ours)"'
            )
        if len(set(self.names)) < len(self.names):
            raise RgavizError("--names calls two networks alike: give each a name of its own.")
        if not isinstance(self.columns, int) or not 0 <= self.columns <= MOST_COLUMNS:
            raise RgavizError(
                f"--columns {self.columns} is out of range: choose 1 to {MOST_COLUMNS}, or 0 for as many as fit."
            )

    @property
    def scales(self) -> dict[str, str]:
        """The scale of each group of maps, as it is recorded in the manifest."""
        return {
            "cam": self.scale or "model",
            "mask": self.scale or "shared",
            "signed": self.scale or "model",
            "relation": self.scale or "model",
        }

    @property
    def inches(self) -> float:
        """The width of the figure."""
        if isinstance(self.width, str):
            return getattr(VENUES[self.venue](), self.width)
        return self.width


def options_of(values: Mapping[str, Any]) -> FigureOptions:
    """The options of a figure by name.

    Raises:
        RgavizError: there is no such option, or it cannot have such a value.
    """
    known = [each.name for each in fields(FigureOptions)]
    for name, value in values.items():
        if name not in known:
            raise unknown_name(name, known, "option of a figure")
        try:
            FigureOptions(**{name: value})
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            usual = getattr(FigureOptions(), name)
            raise RgavizError(
                f"The figure's {name} cannot be {quoted(value)}; give one like {quoted(usual)}."
            ) from error
    return FigureOptions(**values)


def _inches(width: str | float) -> float:
    try:
        inches = float(width)
    except ValueError:
        inches = math.nan
    if not 1 <= inches <= 40:
        raise RgavizError(f"--width {width} is no width: choose column, text or inches from 1 to 40.")
    return inches


def parse_scale(text: str) -> tuple[str, float, float]:
    """``shared``, ``model``, ``image`` or ``fixed:LO,HI`` as (name, low, high), NaN unless fixed."""
    name, colon, limits = text.partition(":")
    if name not in SCALES:
        raise unknown_name(name, SCALES, "scale")
    if name != "fixed" and not colon:
        return name, math.nan, math.nan
    try:
        low, high = (float(limit) for limit in limits.split(","))
    except ValueError:
        low = high = math.nan
    if name != "fixed" or not -math.inf < low < high < math.inf:
        raise RgavizError(
            f"--scale {text} cannot be read: write shared, model, image or fixed:LO,HI with LO below HI."
        )
    return name, low, high


def style(options: FigureOptions) -> dict[Any, Any]:
    """The settings for ``matplotlib.rc_context``: the venue's font and size, text kept as text."""
    venue = VENUES[options.venue]()
    return {
        "font.family": [
            "serif" if venue.serif else "sans-serif",
            "DejaVu Sans",
            *further_families(),
        ],  # the second for signs STIX lacks, the others for those of further scripts
        # STIX is Times-like and ships with matplotlib; the next name serves an SVG on a machine without it.
        "font.serif": ["STIXGeneral", "Times New Roman"],
        "font.sans-serif": ["DejaVu Sans"],
        "mathtext.fontset": "stix" if venue.serif else "dejavusans",
        "text.parse_math": False,  # a class or file name may hold a dollar sign
        "font.size": venue.points,
        "axes.titlesize": venue.points,
        "axes.labelsize": venue.points,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "axes.linewidth": 0.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2.0,
        "ytick.major.size": 2.0,
        "xtick.major.pad": 2.0,
        "ytick.major.pad": 2.0,
        "axes.labelpad": 2.0,
        "axes.titlepad": 4.0,
        "lines.linewidth": 1.0,
        "figure.dpi": options.dpi,
        "savefig.dpi": options.dpi,
        "savefig.bbox": None,  # the page is exactly as wide as the venue says
        "pdf.fonttype": 42,  # venues refuse Type 3
        "ps.fonttype": 42,
        "svg.fonttype": "path" if options.outline else "none",
        "svg.hashsalt": "rgaviz",
    }


class Page(NamedTuple):
    """A page of a figure.

    Attributes:
        figure: drawn under :func:`style`.
        suffix: what its file name adds to the figure's.
        name: its file name without suffix where the user did not name the figure; by default that of the figure.
        of: how many pages there are, those beyond the option ``pages`` too.
        table: rows of a CSV file beside it.
    """

    figure: Figure
    suffix: str = ""
    name: str = ""
    of: int = 1
    table: list[list[Any]] | None = None


# Paul Tol's "bright" set: told apart with a colour-vision deficiency, and on paper.
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777")
DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)))  # for each round of the colours
STACKED = 4.5  # inches: a narrower figure has its panels one above the other
