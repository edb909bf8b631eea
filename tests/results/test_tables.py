"""Named tables of a results folder."""

from __future__ import annotations

import pytest
from stored import contents, write

from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import number, number_or_none, read_results
from rgaviz.results.writer import ResultsWriter

ROWS = [["name", "value", "count"], ["a, b", 0.1 + 0.2, 3], ["nothing", None, 0]]


def charted(folder):
    with ResultsWriter(folder, {"command": "profile"}) as writer:
        writer.table("cost", ROWS)
    return folder


def test_tables_keep_every_digit_and_need_no_maps(tmp_path):
    folder = charted(tmp_path / "out")
    assert sorted(contents(folder)) == ["manifest.json", "tables/cost.csv"]
    results = read_results(folder)
    assert results.manifest.tables == {"cost": "tables/cost.csv"}
    assert results.manifest.files == ["tables/cost.csv"]
    assert results.table("cost")[1] == ["a, b", "0.30000000000000004", "3"]
    assert results.column("cost", "value", number_or_none) == [0.1 + 0.2, None]
    assert results.records("cost", name=str, count=int) == [
        {"name": "a, b", "count": 3},
        {"name": "nothing", "count": 0},
    ]
    with pytest.raises(ResultsError, match="has no map"):
        results.map("0", "rga", "gradcam")
    assert sorted(contents(write(folder))) == [
        "manifest.json",
        "maps.npz",
        "pictures/0.png",
    ]  # it is replaced


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "is no table"),
        (b"name,value\na\n", "is no table"),
        (b"\xff\xfe", "Cannot read"),
        (b"name,count\na,1\n", "no usable column 'value'"),
        (b"value\nx\n", "no usable column 'value'"),
        (b"value\nnan\n", "no usable column 'value'"),
        (b'value\n""\n', "no usable column 'value'"),
        (None, "Cannot read"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, body, fault):
    folder = charted(tmp_path / "out")
    path = folder / "tables/cost.csv"
    path.unlink() if body is None else path.write_bytes(body)
    with pytest.raises(ResultsError, match=fault):
        read_results(folder).column("cost", "value", number)
    with pytest.raises(ResultsError, match="no table 'growth'"):
        read_results(folder).table("growth")
