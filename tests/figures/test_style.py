"""Options are checked, sizes are the venue's, files are the same bytes on every run."""

from __future__ import annotations

import re
import zlib

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from rgaviz.errors import OutputError, RgavizError, UnknownNameError
from rgaviz.figures.saving import save_figure
from rgaviz.figures.style import VENUES, FigureOptions, parse_scale, style
from rgaviz.figures.text import printable, text_inches, wrap_text


def draw(options):
    with matplotlib.rc_context(style(options)):
        figure = Figure(figsize=(options.inches, 1))
        ax = figure.add_axes((0.2, 0.3, 0.7, 0.5))
        ax.imshow(np.arange(12).reshape(3, 4), aspect="auto")
        ax.set_title("costs $5 ✓ ✗")
        ax.set_xlabel("epoch")
    return figure


@pytest.mark.parametrize(
    ("venue", "column", "text"),
    [
        ("cvpr", 3.25, 6.875),
        ("iccv", 3.25, 6.875),
        ("eccv", 4.8, 4.8),
        ("neurips", 5.5, 5.5),
        ("icml", 3.25, 6.75),
        ("ieee", 3.487, 7.140),
        ("screen", 5.0, 10.0),
    ],
)
def test_venue_widths(venue, column, text):
    assert FigureOptions(venue=venue, width="column").inches == pytest.approx(column, abs=1e-3)
    assert FigureOptions(venue=venue).inches == pytest.approx(text, abs=1e-3)
    assert set(VENUES) == {"cvpr", "iccv", "eccv", "neurips", "icml", "ieee", "screen"}


def test_width_in_inches_and_formats_from_json():
    options = FigureOptions(width="4.5", formats=["pdf", "png"])
    assert options.inches == 4.5
    assert options.formats == ("pdf", "png")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ("pfd",)}, "Unknown figure format 'pfd'. Did you mean 'pdf'"),
        ({"formats": ()}, "--format is empty"),
        ({"venue": "cpvr"}, "Unknown venue 'cpvr'. Did you mean 'cvpr'"),
        ({"width": "half"}, "--width half is no width"),
        ({"width": "nan"}, "--width nan is no width"),
        ({"width": 0.2}, "--width 0.2 is no width"),
        ({"dpi": 5}, "--dpi 5 is out of range"),
        ({"cmap": "viridiss"}, "Unknown colour map 'viridiss'. Did you mean 'viridis'"),
        ({"alpha": 1.5}, "--alpha 1.5 is out of range"),
        ({"label_alpha": -0.5}, "--label-alpha -0.5 is out of range"),
        ({"scale": "modle"}, "Unknown scale 'modle'. Did you mean 'model'"),
        ({"scale": "fixed:2,1"}, "--scale fixed:2,1 cannot be read"),
        ({"scale": "fixed"}, "--scale fixed cannot be read"),
        ({"scale": "fixed:0,inf"}, "--scale fixed:0,inf cannot be read"),
        ({"scale": "model:0,1"}, "--scale model:0,1 cannot be read"),
    ],
)
def test_bad_settings_are_one_line(settings, message):
    with pytest.raises(RgavizError, match=re.escape(message)) as caught:
        FigureOptions(**settings)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
    if message.startswith("Unknown"):
        assert isinstance(caught.value, UnknownNameError)


def test_scales():
    assert FigureOptions().scales == {
        "cam": "model",
        "mask": "shared",
        "signed": "model",
        "relation": "model",
    }
    assert FigureOptions(scale="image").scales == dict.fromkeys(
        ("cam", "mask", "signed", "relation"), "image"
    )
    assert parse_scale("fixed:-1,2.5") == ("fixed", -1.0, 2.5)
    assert parse_scale("shared")[0] == "shared"


def test_files_are_identical_on_a_rerun(tmp_path):
    options = FigureOptions(formats=("pdf", "svg", "png"))
    first = [path.read_bytes() for path in save_figure(draw(options), tmp_path / "fig.v2", options)]
    paths = save_figure(draw(options), tmp_path / "fig.v2", options)
    assert [path.name for path in paths] == ["fig.v2.pdf", "fig.v2.svg", "fig.v2.png"]
    assert [path.read_bytes() for path in paths] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fig.v2.pdf", "fig.v2.png", "fig.v2.svg"]


def test_pdf_embeds_true_type_and_is_as_wide_as_the_venue(tmp_path):
    options = FigureOptions(width="column")
    (path,) = save_figure(draw(options), tmp_path / "fig", options)
    data = path.read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    plain = data + b"".join(zlib.decompress(s) for s in streams if s[:1] == b"\x78")
    assert b"/Type3" not in plain
    assert b"/CIDFontType2" in plain  # Type 42 in matplotlib's words
    assert b"STIXGeneral" in plain
    assert b"/CreationDate" not in plain
    assert [float(x) for x in re.search(rb"/MediaBox \[(.*?)\]", plain)[1].split()] == [0, 0, 3.25 * 72, 72]
    assert b"/Width 4" in plain  # the raster as it is, not resampled
    assert b"/Height 3" in plain


def test_svg_keeps_text_and_png_has_the_resolution(tmp_path):
    options = FigureOptions(formats=("svg", "png"), width="column", dpi=200)
    svg, png = save_figure(draw(options), tmp_path / "fig", options)
    text = svg.read_text()
    assert ">costs $5 ✓ ✗</text>" in text
    assert "Times New Roman" in text
    assert 'width="234pt"' in text
    assert "<dc:date>" not in text
    assert "matplotlib" not in png.read_bytes().decode("latin-1").lower()
    from PIL import Image

    with Image.open(png) as image:
        assert image.size == (650, 200)
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.01)


def test_saving_leaves_the_settings_of_others_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    options = FigureOptions()
    save_figure(draw(options), tmp_path / "fig", options)
    assert dict(matplotlib.rcParams) == before


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"fig\.pdf"):
        save_figure(draw(FigureOptions()), tmp_path / "file/fig", FigureOptions())


def test_printable_replaces_what_the_fonts_lack():
    assert printable("café\n猫 ✓\udc80") == "café U+732B  ✓U+DC80"
    assert printable("猫") != printable("狗")


def test_wrapping_fits_and_cuts_with_an_ellipsis():
    with matplotlib.rc_context(style(FigureOptions())):
        text = "the quick brown fox a_very_long_name_without_any_space.jpg jumps"
        lines = wrap_text(text, 0.8, 8, lines=99)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(text_inches(line, 8) <= 0.8 for line in lines)
        assert lines[0] == "the quick brown"
        cut = wrap_text(text, 0.8, 8, lines=2)
        assert cut[0] == "the quick brown"
        assert cut[1].endswith("…")
        assert text_inches(cut[1], 8) <= 0.8
        assert len(cut) == 2
        assert wrap_text("short", 0.8, 8) == ["short"]
        assert text_inches("mm", 8) == pytest.approx(2 * text_inches("m", 8), rel=0.02)


def test_a_long_name_breaks_at_its_joints():
    with matplotlib.rc_context(style(FigureOptions())):
        assert wrap_text("mobilenet_v3_small-untrained", 1.0, 8) == ["mobilenet_v3_small-", "untrained"]
        assert wrap_text("n" * 30, 0.8, 8, lines=9)[0].startswith("nnnn")


def test_text_as_outlines(tmp_path):
    for outline in (False, True):
        options = FigureOptions(formats=("svg",), outline=outline)
        (path,) = save_figure(draw(options), tmp_path / "fig", options)
        assert ("<text" in path.read_text()) == (not outline)
