"""Pictures in PDF files as JPEG: the file stays sound, colours stay close, what is exact on purpose stays so."""

import io
import re
import zlib

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from rgaviz.errors import RgavizError
from rgaviz.figures.draw import check_preset, draw, figure_options
from rgaviz.figures.jpegs import with_jpegs
from rgaviz.figures.saving import figure_bytes
from rgaviz.figures.style import FigureOptions, style
from rgaviz.outputs import Output
from rgaviz.results.reader import read_results
from tests.stored import write

SMOOTH = np.stack(np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 64)), -1).astype(np.uint8)
PHOTO = np.dstack([SMOOTH, np.random.default_rng(0).integers(0, 40, (64, 96), np.uint8)])  # (64, 96, 3)
FEW = np.zeros((30, 40, 3), np.uint8)
FEW[:10] = 200, 30, 30


def pdf(**options):
    options = FigureOptions(**options)
    with matplotlib.rc_context(style(options)):
        figure = Figure(figsize=(4, 2))
        for place, picture in enumerate((PHOTO, FEW, PHOTO[:, ::-1])):
            figure.add_axes((place / 3, 0, 0.3, 0.5)).imshow(picture)
        figure.text(0.5, 0.8, "text stays")
    return figure_bytes(figure, "pdf", options)


def objects(content):
    """Number -> its bytes, by the table at the end, as a reader of PDF finds them."""
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    lines = content[start:].split(b"\n")
    assert lines[0] == b"xref"
    count = int(lines[1].split()[1])
    found = {}
    for number, line in enumerate(lines[2 : 2 + count]):
        at, _, kind = line.split()
        if kind == b"n":
            assert content[int(at) :].startswith(b"%d 0 obj\n" % number)
            found[number] = content[int(at) : content.index(b"\nendobj\n", int(at))]
    assert b"/Size %d" % count in content[start:]
    return found


def rasters(content):
    """Height, width, how it is packed and the packed bytes, whose number the file tells, of each raster."""
    found, several = [], objects(content)
    for each in several.values():
        told, opened, rest = each.partition(b"\nstream\n")
        if opened and b"/Subtype /Image" in told:
            length = int(re.search(rb"/Length (\d+) 0 R", told)[1])
            told_length = int(several[length].split(b"\n")[1])
            assert rest[told_length:] == b"\nendstream"
            height, width = (int(re.search(rb"/%b (\d+)" % side, told)[1]) for side in (b"Height", b"Width"))
            found.append((height, width, re.search(rb"/Filter /(\w+)", told)[1], rest[:told_length]))
    return sorted(found, key=lambda each: each[:2])


def test_pictures_are_jpegs_and_the_file_is_sound():
    exact, smaller = pdf(), pdf(jpeg=95)
    assert len(smaller) < len(exact)
    assert [each[:3] for each in rasters(exact)] == [(30, 40, b"FlateDecode")] + [
        (64, 96, b"FlateDecode")
    ] * 2
    few, *photos = rasters(smaller)
    assert few == rasters(exact)[0]  # of few colours
    shown = []
    for _, _, packed, content in photos:
        assert packed == b"DCTDecode"
        shown.append(np.asarray(Image.open(io.BytesIO(content))).astype(int)[::-1])  # stored upside down
    assert all(each.shape == (64, 96, 3) for each in shown)
    shown.sort(key=lambda each: each[0, 0, 0])
    for each, expected in zip(shown, (PHOTO, PHOTO[:, ::-1]), strict=True):
        assert np.abs(each - expected.astype(int)).mean() < 4
        assert np.abs(each - expected[:, ::-1].astype(int)).mean() > 30


def test_all_else_stays_as_it_is():
    exact, smaller = (objects(pdf(jpeg=quality)) for quality in (0, 90))
    assert exact.keys() == smaller.keys()
    changed = [number for number in exact if exact[number] != smaller[number]]
    assert len(changed) == 4  # two pictures and their lengths
    text = b"".join(
        zlib.decompress(part)
        for each in smaller.values()
        for part in re.findall(rb"stream\n(\x78.*)\nendstream", each, re.DOTALL)
    )
    assert b"BT" in text


def test_the_same_bytes_again_and_less_with_less_quality():
    assert pdf(jpeg=90) == pdf(jpeg=90)
    assert len(pdf(jpeg=50)) < len(pdf(jpeg=90))


def test_a_raster_that_would_grow_stays_exact():
    flat = np.zeros((64, 64, 3), np.uint8)
    flat[..., 0] = np.arange(4096).reshape(64, 64) % 256
    flat[..., 1] = np.arange(64)[:, None]
    options = FigureOptions()
    with matplotlib.rc_context(style(options)):
        figure = Figure(figsize=(1, 1))
        figure.add_axes((0, 0, 1, 1)).imshow(flat)
    exact = figure_bytes(figure, "pdf", options)
    assert with_jpegs(exact, 100) == exact


@pytest.mark.parametrize("quality", [-1, 101, 9.5, "90"])
def test_what_is_no_quality(quality):
    with pytest.raises(RgavizError, match="--jpeg"):
        FigureOptions(jpeg=quality)


def test_other_formats_have_none():
    with pytest.raises(RgavizError, match="--jpeg 90 is for PDF files"):
        check_preset("compare", FigureOptions(jpeg=90, formats=("png", "svg")))


@pytest.mark.filterwarnings("ignore:A map has values that are no numbers")
def test_the_size_is_told_and_drawing_again_in_another_format_works(tmp_path):
    results = read_results(write(tmp_path / "r"))
    options = FigureOptions(dpi=50, jpeg=80)
    drawn = draw(results.folder, Output(results.folder, tmp_path / "f", named=True), options)
    size = sum(path.stat().st_size for path in drawn.paths if path.suffix == ".pdf") / 1e6
    assert any("JPEGs of quality 80" in note and f"{size:.2g} MB" in note for note in drawn.notes)
    kept = read_results(results.folder)
    kept.manifest.figure["jpeg"] = 80
    assert figure_options(kept, {}).jpeg == 80
    assert figure_options(kept, {"formats": ("png",)}).jpeg == 0
