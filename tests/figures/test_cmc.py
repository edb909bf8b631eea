from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rgaviz.figures.cmc import CORNER, MATCHED, draw_cmc
from rgaviz.figures.draw import draw
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.manifest import ResultsError
from rgaviz.results.writer import ResultsWriter

CURVES = {
    "baseline: Rank-1 50.00%": [(1, 50.0), (2, 75.0), (3, 100.0)],
    "rga: Rank-1 62.50%": [(1, 62.5), (2, 87.5)],
}
OPTIONS = FigureOptions(formats=("pdf", "svg"), width="column")


def results(folder, tables):
    head = {"command": "cmc", "texts": {"a": "baseline: Rank-1 50.00%", "b": "rga: Rank-1 62.50%"}}
    with ResultsWriter(folder, head) as writer:
        for name, rows in tables.items():
            writer.table(name, rows)


def tables():
    found = {
        name: [[CORNER, MATCHED, "queries"], *([*row, 1] for row in curve)]
        for name, curve in zip("ab", CURVES.values(), strict=True)
    }
    return {**found, "a-queries": [["query", "identity"], ["one.jpg", 7]]}  # not drawn


def test_every_network_has_its_curve():
    ax = draw_cmc(CURVES, OPTIONS).axes[0]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert drawn == {label: [list(point) for point in curve] for label, curve in CURVES.items()}
    assert len({line.get_color() for line in ax.lines}) == 2
    low, high = ax.get_ylim()
    assert low <= 50
    assert low % 10 == 0
    assert high > 100
    assert ax.get_xlabel() == "rank"


def test_from_results_again_and_again_the_same(tmp_path):
    results(tmp_path / "out", tables())
    digests = []
    for _ in range(2):
        drawn = draw(tmp_path / "out", Output(tmp_path / "out", tmp_path / "out" / "cmc"), OPTIONS)
        assert [path.name for path in drawn.paths] == ["cmc.pdf", "cmc.svg"]
        digests.append([hashlib.sha256(path.read_bytes()).digest() for path in drawn.paths])
    assert digests[0] == digests[1]
    text = Path(drawn.paths[1]).read_text()
    assert all(label in text for label in CURVES)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([["query", "identity"], ["one.jpg", 7]], "holds no curve of matches"),
        ([[CORNER, MATCHED]], "holds no curve of matches"),
        ([[CORNER, MATCHED], ["first", 50]], "no usable column"),
        ([[CORNER, MATCHED], [1, "nan"]], "no usable column"),
    ],
)
def test_what_is_no_curve_is_refused(tmp_path, table, message):
    results(tmp_path / "out", {"a": table})
    with pytest.raises(ResultsError, match=message):
        draw(tmp_path / "out", Output(tmp_path / "out", tmp_path / "out" / "cmc"), OPTIONS)
