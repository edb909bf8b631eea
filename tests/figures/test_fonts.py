"""Names in any script: an installed font that has their signs, else their numbers and the font's name."""

import re
import warnings

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from rgaviz.figures import fonts
from rgaviz.figures.draw import draw
from rgaviz.figures.fonts import font_to_install, fonts_for, further_families
from rgaviz.figures.saving import figure_bytes
from rgaviz.figures.style import FigureOptions, style
from rgaviz.figures.text import printable, text_inches, told_lacking, wrap_text
from rgaviz.outputs import Output
from tests.stored import HEAD, write

FONT = "Rgaviz Test"


def build(path, family, signs):
    """A font whose signs are squares as wide as high."""
    pen = TTGlyphPen(None)
    for place, corner in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
        (pen.lineTo if place else pen.moveTo)(corner)
    pen.closePath()
    square, names = pen.glyph(), [".notdef", *(f"u{ord(sign):04X}" for sign in signs)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(sign): f"u{ord(sign):04X}" for sign in signs})
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A function that installs a font with some signs, as a user would after matplotlib made its list."""
    found = []
    manager = font_manager.fontManager
    monkeypatch.setattr(
        manager, "ttflist", [e for e in manager.ttflist if e.name in ("STIXGeneral", "DejaVu Sans")]
    )
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: found)
    fonts._signs_of.cache_clear()
    fonts._drawable.cache_clear()
    yield lambda signs, family=FONT: found.append(build(tmp_path / f"{family}.ttf", family, signs))
    fonts._signs_of.cache_clear()
    fonts._drawable.cache_clear()


def test_a_font_that_has_them(installed):
    installed("猫狗")
    with fonts_for({"titles": ["a 猫", ("狗",)]}) as signs:
        assert signs.families == further_families() == (FONT,)
        with matplotlib.rc_context(style(FigureOptions())):
            assert printable("a 猫") == "a 猫"
            assert text_inches("猫", 72) == pytest.approx(1, rel=0.01)
            assert wrap_text("猫狗猫", 0.25, 8) == ["猫狗", "猫"]
    assert signs.lacking == {}
    assert further_families() == ()
    assert printable("猫") == "U+732B"


def test_the_fewest_fonts_the_one_with_most_first(installed):
    installed("猫", "A")
    installed("猫狗", "B")
    installed("鳥", "C")
    with fonts_for("猫狗鳥 and 馬") as signs:
        assert signs.families == ("B", "C")
        assert printable("猫馬") == "猫U+99AC"
    assert list(signs.lacking) == ["馬"]


def test_of_two_that_have_the_same_the_name_decides(installed):
    installed("猫", "B")
    installed("猫", "A")
    with fonts_for("猫") as signs:
        assert signs.families == ("A",)


def test_fonts_that_nothing_can_be_read_in(installed):
    installed("猫", "Last Resort X")
    installed("猫", "Some Emoji")
    with fonts_for("猫") as signs:
        assert signs.families == ()


def test_a_damaged_font_is_left_out(installed, tmp_path):
    installed("猫")
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0broken")
    font_manager.findSystemFonts().append(str(tmp_path / "broken.ttf"))
    with fonts_for("猫") as signs:
        assert signs.families == (FONT,)


def test_usual_texts_look_for_no_font(monkeypatch):
    monkeypatch.setattr(fonts, "_candidates", lambda: 1 / 0)
    with fonts_for({"a": ["Größe − ✓ ✗ é", 3, None]}) as signs:
        assert signs.families == ()


def test_what_no_font_has_is_told_with_the_font_to_install(installed):
    with fonts_for("") as signs:
        assert printable("猫 ก 狗") == "U+732B  U+0E01  U+72D7"
    told = told_lacking(signs.lacking)
    assert "no font here has 3 signs of the figure (猫 U+732B, ก U+0E01, 狗 U+72D7)" in told
    assert "install Noto Sans CJK and Noto Sans Thai, or write names in Latin letters" in told
    assert told_lacking([]) == ""
    assert "install" not in told_lacking(["\U0001f600"])


@pytest.mark.parametrize(
    ("sign", "font"),
    [
        ("か", "Noto Sans CJK"),
        ("한", "Noto Sans CJK"),
        ("क", "Noto Sans Devanagari"),
        ("\udc80", ""),
        ("☃", ""),
    ],
)
def test_fonts_to_install(sign, font):
    assert font_to_install(sign) == font


@pytest.mark.parametrize("outline", [False, True])
def test_every_format_has_them(installed, outline):
    installed("猫")
    options = FigureOptions(outline=outline)
    with fonts_for("猫"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with matplotlib.rc_context(style(options)):
            figure = Figure(figsize=(1, 1))
            figure.text(0.2, 0.2, "猫", size=30)
        svg, pdf, png = (figure_bytes(figure, name, options) for name in ("svg", "pdf", "png"))
    assert (FONT in svg.decode()) is not outline
    assert re.search(rb"\+?RgavizTest", pdf)
    assert png


@pytest.mark.filterwarnings("ignore:A map has values that are no numbers")
def test_a_whole_figure(installed, tmp_path):
    head = {**HEAD, "titles": ["input", "猫"]}
    for place, expected in enumerate([["no font here has 1 sign"], []]):
        if place:
            installed("猫")
        folder = write(tmp_path / f"r{place}", head=head)
        drawn = draw(folder, Output(folder, tmp_path / f"f{place}", named=True), FigureOptions(dpi=50))
        assert [note[: len(expected[0])] for note in drawn.notes] == expected
        content = drawn.paths[0].read_bytes()
        assert (b"RgavizTest" in content) is bool(place)
