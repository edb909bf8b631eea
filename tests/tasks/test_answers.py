"""What a task answers, as people are told it."""

from __future__ import annotations

from rgaviz.tasks import Measure, Table


def test_numbers():
    error, loss = Measure("error", "error"), Measure("mae", "mean absolute error", unit="")
    assert [error.number(12.345), error.text(-0.001), error.label] == ["12.35", "0.00%", "error (%)"]
    assert [loss.number(0.01234), loss.text(-0.0001), loss.label] == ["0.012", "0.000", "mean absolute error"]


def test_a_table_of_one_column_is_told():
    table = Table("number", ["error"], ["x", "y", "z"], [[0.0154], [None], [-0.0001]])
    assert table.told() == {"x": "0.0", "y": "-", "z": "0.0"}
    assert table._replace(decimals=3).told() == {"x": "0.015", "y": "-", "z": "0.000"}
    assert Table("", ["a", "b"], ["x"], [[1, 2]]).told() == {}
