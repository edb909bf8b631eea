"""How maps are enlarged: smoothly, or so that their grid shows."""

from __future__ import annotations

import numpy as np
import pytest
from compared import DIFFERENCE, FAST, INPUT, MAPS, A, B, draw, make
from PIL import Image

from rgaviz.analysis.redraw import redraw
from rgaviz.errors import UnknownNameError
from rgaviz.figures.draw import record_options
from rgaviz.figures.overlay import resize_map
from rgaviz.figures.overlays import overlay_panels, save_overlays
from rgaviz.figures.scales import subtract
from rgaviz.figures.style import FigureOptions

NEAREST = FigureOptions(dpi=50, interpolation="nearest")


def test_nearest_repeats_each_value_about_its_own_place():
    values = np.array([[0.0, 2.0], [4.0, np.nan]])
    np.testing.assert_array_equal(resize_map(values, (4, 6), "nearest"), values.repeat(2, 0).repeat(3, 1))
    uneven = resize_map(np.arange(3.0)[None], (1, 5), "nearest")[0]
    np.testing.assert_array_equal(uneven, [0, 0, 1, 2, 2])  # centres at 0.3, 0.9, 1.5, 2.1, 2.7 of 3


def test_a_difference_of_two_grids_keeps_the_coarser_one_in_blocks():
    coarse, fine = np.array([[1.0, 3.0]]), np.array([[1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(subtract(coarse, fine, "nearest"), [[0, 0, 2, 2]])
    np.testing.assert_array_equal(subtract(coarse, fine), [[0, 0.5, 1.5, 2]])


@pytest.mark.parametrize("columns", [[INPUT, A, B], [INPUT, A, DIFFERENCE]])
def test_panels_show_the_positions_of_their_maps(tmp_path, columns):
    axes = draw(make(tmp_path / "r", columns), NEAREST).axes[1:3]
    for ax in axes:
        pixels = ax.images[0].get_array()
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 4  # of a 2x2 map
        middle = pixels.shape[1] // 2
        assert (pixels[0, :middle] == pixels[0, 0]).all()
        assert (pixels[0, middle:] == pixels[0, -1]).all()


def test_overlays_too(tmp_path):
    results = make(tmp_path / "r", [INPUT, A])
    (path,) = save_overlays(results, overlay_panels(results, tmp_path / "overlays"), NEAREST)
    assert (
        len(np.unique(np.asarray(Image.open(path)).reshape(-1, 3), axis=0))
        == np.unique(MAPS["a/gradcam"]).size
    )


def test_redraw_keeps_and_changes_it(tmp_path):
    make(tmp_path / "r", [INPUT, A])
    assert record_options(NEAREST)["interpolation"] == "nearest"
    assert record_options(FAST)["interpolation"] == "bilinear"
    looks = {"formats": ("png",), "dpi": 50}
    files = [
        redraw(
            tmp_path / "r",
            tmp_path / f"{name}.png",
            figure={**looks, **({"interpolation": name} if name else {})},
        )
        for name in ("", "bilinear", "nearest")
    ]
    plain, bilinear, nearest = (each.paths[0].read_bytes() for each in files)
    assert plain == bilinear != nearest


def test_an_unknown_one_is_refused():
    with pytest.raises(UnknownNameError, match=r"Unknown interpolation 'neares'\. Did you mean 'nearest'"):
        FigureOptions(interpolation="neares")
