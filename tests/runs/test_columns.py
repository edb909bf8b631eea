"""Columns of tables as they are asked for, and tables that fit a column of the page."""

from __future__ import annotations

import pytest
from finished import write
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.runs.layout import lay_out
from rgaviz.runs.read import read_runs
from rgaviz.runs.row import Row
from rgaviz.runs.table import COLUMN, FORMATS, PAGE, SIZES, fitting
from rgaviz.runs.tabulate import tabulate
from rgaviz.tasks import TASKS
from rgaviz.tasks.task import headline

ERROR = headline(TASKS["classification"])


def made(arch, attention, values, parameters=None):
    """A row with the errors by data set and seed."""
    found = {
        name: {seed: {"error": value} for seed, value in by_seed.items()} for name, by_seed in values.items()
    }
    return Row(arch, attention, 1, (ERROR,), parameters or dict.fromkeys(values, 1), found)


@pytest.fixture
def runs(tmp_path):
    for seed, error in {0: 7.0, 1: 8.0}.items():
        write(tmp_path / "runs" / f"rga{seed}.pt", "resnet20", "rga-sc", seed, error)
    write(tmp_path / "runs" / "baseline.pt", "resnet20", "none", 0, 8.0)
    write(tmp_path / "runs" / "hundred.pt", error=40.0, dataset="cifar100")
    return tmp_path / "runs"


def test_columns_as_given_behind_the_name(runs):
    rows = read_runs([runs])[0]
    table = lay_out(rows, wanted=["error", "params", "depth"])
    assert table.header == ["Model", "CIFAR-10 error (%)", "CIFAR-100 error (%)", "Params", "Depth"]
    assert table.cells[1] == ["ResNet + RGA-SC", "7.50 ± 0.71", "", "0.191M", "20+4"]
    assert lay_out(rows, wanted=["cifar100", "model"]).header == ["Model", "CIFAR-100 error (%)"]
    header = FORMATS["csv"](rows, wanted=["error", "params"]).splitlines()[0].split(",")
    assert header == [
        *("model", "cifar10_error_mean", "cifar10_error_std", "cifar100_error_mean", "cifar100_error_std"),
        *("cifar10_parameters", "cifar100_parameters"),
    ]
    assert FORMATS["markdown"](rows, wanted=["depth"]).endswith("Networks as they were trained.\n")
    with pytest.raises(
        UnknownNameError, match=r"Unknown column 'errors'. Did you mean 'error'\? Choose one of: "
    ) as caught:
        lay_out(rows, wanted=["params", "errors"])
    assert all(name in str(caught.value) for name in ("cifar10", "depth", "epochs", "params", "seeds"))
    with pytest.raises(UnknownNameError, match="'errors'"):
        FORMATS["csv"](rows, wanted=["errors"])


def test_bold_goes_with_its_column():
    values = ({0: 6.0, 1: 6.2}, {0: 5.0, 1: 5.2})
    rows = [
        made("resnet20", name, {"cifar10": each})
        for name, each in zip(("none", "rga-sc"), values, strict=True)
    ]
    assert lay_out(rows, wanted=["error", "params"]).bold == {(1, 1)}
    assert r"\textbf{5.10 $\pm$ 0.14} & " in FORMATS["latex"](rows, wanted=["error", "params"])
    assert lay_out(rows, wanted=["params"]).bold == set()


def test_a_column_of_parameters_has_the_same_decimals_throughout():
    parameters = {"none": 1_727_962, "rga-sc": 769_162}
    rows = [
        made("resnet20", name, {"cifar10": {0: 5.0}}, {"cifar10": count})
        for name, count in parameters.items()
    ]
    assert [line[2] for line in lay_out(rows).cells] == ["1.728M", "0.769M"]


@pytest.mark.parametrize("wanted", [[], ["error"], ["error", "params"], ["error", "params", "seeds"]])
@pytest.mark.parametrize("sets", [["cifar10"], ["cifar10", "cifar100", "shapes"]])
def test_a_table_fits_in_computer_modern(sets, wanted):
    """Measured with the font itself, which comes along with matplotlib."""
    values = {name: {0: 16.0, 1: 16.2} for name in sets}
    rows = [made("densenet-bc100", name, values) for name in ("none", "rga-sc")]
    table = lay_out(rows, wanted=wanted)
    lines = [table.header, *table.cells]
    wide, size = fitting(lines)
    found = [each for each in SIZES if each[0] == size.partition("\\setlength")[0]]
    (_, _, between), font = found[0], FontProperties(family="cmr10", size=found[0][1])
    inked = [
        max(
            text_to_path.get_text_width_height_descent(cell.replace("±", "+"), font, False)[0]
            for cell in column
        )
        for column in zip(*lines, strict=True)
    ]
    assert sum(inked) + 2 * between * len(inked) <= (PAGE if wide else COLUMN)


def test_the_size_of_a_table_by_hand():
    assert fitting([["a" * 30, "b" * 5]]) == (False, "")  # 35 x 10 / 2 + 2 x 2 x 6 = 199 points
    assert fitting([["a" * 38, "b" * 5]]) == (False, r"\small\setlength{\tabcolsep}{4pt}")  # 239, 209.5
    assert fitting([["a"], ["b" * 40]], {(0, 0)}) == (
        False,
        r"\small\setlength{\tabcolsep}{4pt}",
    )  # 246 in bold
    assert fitting([["a"], ["b" * 40]]) == (False, "")  # 212
    assert fitting([["a" * 70, "b" * 5]]) == (True, "")
    assert fitting([["a" * 400]]) == (True, r"\scriptsize\setlength{\tabcolsep}{2pt}")


def test_a_label_and_what_makes_a_table_fit_stand_in_the_latex(runs, tmp_path):
    text = tabulate([runs], tmp_path / "t.tex", columns=["params", "cifar10"], label="tab:ours")
    lines = text.splitlines()
    assert lines[1] == r"\begin{table}"
    assert lines[4] == r"\label{tab:ours}"
    assert lines[5] == r"\scriptsize\setlength{\tabcolsep}{2pt}"
    assert lines[-1] == r"\end{table}"
    assert (
        tabulate([runs], tmp_path / "t.tex", columns="error") != text
    )  # an earlier table of ours is replaced
    for settings, message in (
        ({"form": "latex", "label": "a}b"}, "is no label"),
        ({"form": "markdown", "label": "tab:a"}, "add --format latex"),
        ({"form": "json", "columns": ["error"]}, "JSON holds all"),
    ):
        with pytest.raises(RgavizError, match=message) as caught:
            tabulate([runs], **settings)
        assert "\n" not in str(caught.value)
