"""Tables of measurements as CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rgaviz.outputs import csv_bytes

TEX = "% Written by rgaviz profile"

Tables = dict[str, bytes]  # suffix -> content


def number(value: float | None, decimals: int = 1, digits: int | None = None) -> str:
    """A number with so many decimals or significant digits; a dash for None."""
    if value is None:
        return "--"
    if digits is None:
        return f"{round(value, decimals) + 0.0:.{decimals}f}"  # never -0.0
    return f"{value:.{digits}g}" if value < 10**digits else f"{value:.0f}"


def error_text(row: Mapping[str, Any], sign: str) -> str:
    """Mean and deviation, as far as there are."""
    if row.get("test_error") is None:
        return "--"
    spread = row["test_error_std"]
    return f"{row['test_error']:.2f}" + ("" if spread is None else f" {sign} {spread:.2f}")


def csv_table(answer: Mapping[str, Any]) -> bytes:
    """A line per row; what is the same for all of them, the machine and the settings, behind."""
    keys = dict.fromkeys(key for row in answer["rows"] for key in row)
    lines = [[cell(row.get(key)) for key in keys] for row in answer["rows"]]
    same = answer["machine"]
    return csv_bytes([[*keys, *same], *([*line, *same.values()] for line in lines)])


def cell(value: Any) -> Any:
    """A value as the CSV has it: six digits, empty for None."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value


def tex_table(answer: Mapping[str, Any], header: Sequence[str], cells: Sequence[Sequence[str]]) -> bytes:
    r"""A ``tabular`` with the rules of booktabs; the first comment says where it was measured."""
    from rgaviz.runs.table import tabular

    comments = [f"{TEX}; needs \\usepackage{{booktabs}}", f"% {described(answer)}"]
    return "\n".join([*comments, *tabular(header, cells), ""]).encode()


def described(answer: Mapping[str, Any]) -> str:
    """Where and how it was measured, in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in answer["machine"].items())
