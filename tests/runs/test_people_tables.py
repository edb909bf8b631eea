"""Tables of re-identification: two measures of every data set, each with the paper's figure beside."""

from __future__ import annotations

import csv
import io
import json

import pytest
from finished import write

from rgaviz.attention import ATTENTIONS
from rgaviz.data.sets import DATASETS
from rgaviz.models import MODELS, model_heads
from rgaviz.runs.layout import columns_of, lay_out
from rgaviz.runs.papers import PAPERS
from rgaviz.runs.read import read_runs
from rgaviz.runs.row import Row
from rgaviz.runs.table import FORMATS, OPENINGS
from rgaviz.tasks import TASKS
from rgaviz.tasks.task import in_tables

MEASURES = in_tables(TASKS["reid"])
SETS = ("cuhk03-labeled", "cuhk03-detected", "market1501", "dukemtmc", "msmt17")
# As printed: Rank-1 and mAP of each data set in turn.
PRINTED = {
    "table1": """
        none 73.8 69.0 94.2 83.7
        rga-s-norel 76.8 72.3 94.3 83.8
        rga-s-novis 78.2 74.0 95.4 86.7
        rga-s 79.3 74.7 95.4 86.8
        rga-c-norel 77.8 73.7 94.7 84.8
        rga-c-novis 78.1 74.9 95.4 87.1
        rga-c 79.0 74.9 95.4 87.2
        rga-parallel 77.3 73.4 95.3 86.6
        rga-cs 78.6 75.5 95.3 87.8
        rga-sc 80.4 76.5 95.8 88.1
    """,
    "table2": """
        none 73.8 69.0 94.2 83.7
        cbam-s 77.3 72.8 94.8 85.6
        fc-s 77.0 73.0 95.2 86.2
        rga-s 79.3 74.7 95.4 86.8
        se 76.3 71.9 95.2 86.0
        cbam-c 76.9 72.7 95.3 86.3
        fc-c 77.4 72.9 95.3 86.7
        rga-c 79.0 74.9 95.4 87.2
        cbam-cs 78.0 73.0 95.0 85.6
        fc-parallel 78.4 73.2 94.8 85.0
        rga-sc 80.4 76.5 95.8 88.1
    """,
    "table3": """
        none 73.8 69.0 94.2 83.7
        nl 76.6 72.6 95.6 87.4
        rga-s 79.3 74.7 95.4 86.8
        nl+rga-s 80.6 76.8 95.6 88.0
    """,
    "table4": """
        none 73.8 69.0 70.5 65.5 94.2 83.7 83.4 71.2
        rga-sc 80.4 76.5 77.4 73.3 95.8 88.1 86.1 74.9
    """,
    "table5": """
        none 75.7 51.5
        rga-sc 81.3 56.3
    """,
}
COLUMNS = {
    "table1": (SETS[0], SETS[2]),
    "table2": (SETS[0], SETS[2]),
    "table3": (SETS[0], SETS[2]),
    "table4": SETS[:4],
    "table5": SETS[4:],
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_papers_figures_are_as_printed(name):
    wanted = {}
    for line in PRINTED[name].strip().splitlines():
        attention, *numbers = line.split()
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        wanted["resnet50", attention, ""] = {
            dataset: {"rank1": float(rank1), "mAP": float(precision)}
            for dataset, (rank1, precision) in zip(COLUMNS[name], pairs, strict=True)
        }
    assert PAPERS[name].networks == wanted


def test_methods_that_the_paper_compares_with():
    assert len(PAPERS["table4"].others) == 13
    assert PAPERS["table4"].others["MGN (ACM MM 2018)"] == {
        "cuhk03-labeled": {"rank1": 68.0, "mAP": 67.4},
        "cuhk03-detected": {"rank1": 66.8, "mAP": 66.0},
        "market1501": {"rank1": 95.7, "mAP": 86.9},
        "dukemtmc": {"rank1": 88.7, "mAP": 78.4},
    }
    assert PAPERS["table5"].others == {
        "GoogLeNet (CVPR 2018)": {"msmt17": {"rank1": 47.6, "mAP": 23.0}},
        "PDC (CVPR 2018)": {"msmt17": {"rank1": 58.0, "mAP": 29.7}},
        "GLAD (CVPR 2018)": {"msmt17": {"rank1": 61.4, "mAP": 34.0}},
    }


def test_papers_name_what_there_is():
    for paper in PAPERS.values():
        for (arch, attention, head), figures in paper.networks.items():
            assert arch in MODELS
            assert attention in ATTENTIONS
            assert not head or head in model_heads(arch)
            assert set(figures) <= set(DATASETS)
        for figures in paper.others.values():
            assert set(figures) <= set(DATASETS)


def row(attention, **values):
    """ResNet-50 with Rank-1 and mAP by data set and seed."""
    found = {
        name: {seed: {"rank1": rank1, "mAP": precision} for seed, (rank1, precision) in by_seed.items()}
        for name, by_seed in values.items()
    }
    return Row("resnet50", attention, 600, MEASURES, dict.fromkeys(values, 24_000_000), found)


def pair():
    return [
        row("none", market1501={0: (94.0, 84.0), 1: (95.0, 83.0)}, people={0: (60.0, 50.0)}),
        row("rga-sc", market1501={0: (94.9, 83.2)}),
    ]


def test_every_measure_has_a_column_and_a_best():
    table = lay_out(pair(), "table1")
    assert table.header[5:] == [
        *("people Rank-1 (%)", "people mAP (%)"),
        *("Market1501 Rank-1 (%)", "Market1501 Rank-1, paper", "Market1501 mAP (%)", "Market1501 mAP, paper"),
    ]
    assert [line[4:] for line in table.cells] == [
        ["1–2", "60.00", "50.00", "94.50 ± 0.71", "94.20", "83.50 ± 0.71", "83.70"],
        ["1", "", "", "94.90", "95.80", "83.20", "88.10"],
    ]
    assert table.bold == set()  # of one seed no deviation is known


def test_data_sets_stand_as_in_the_paper_and_others_before_ours():
    values = {name: {0: (50.0, 40.0)} for name in reversed(SETS)}
    rows = [row("none", **values), row("rga-sc", **values)]
    table, columns = lay_out(rows, "table4"), columns_of(rows, PAPERS["table4"])
    assert list(dict.fromkeys(column.dataset for column in columns)) == list(SETS)
    assert [column.beside for column in columns] == [True] * 8 + [False] * 2
    assert [line[0] for line in table.cells[-2:]] == ["ResNet", "ResNet + RGA-SC"]
    (hpm,) = [line for line in table.cells if line[0] == "HPM (AAAI 2019)"]
    assert hpm[1:] == ["", "", "", "", "", "63.90", "", "57.50", "", "", "", "", *hpm[13:]]
    assert hpm[13:] == ["", "94.20", "", "82.70", "", "86.60", "", "74.30", "", ""]
    assert table.bold == set()
    assert {len(line) for line in table.cells} == {len(table.header)}


def test_methods_without_a_figure_of_these_columns_are_left_out():
    cells = lay_out([row("none", **{"cuhk03-detected": {0: (70.0, 60.0)}})], "table4").cells
    assert [line[0] for line in cells] == [
        *("MGCAM (CVPR 2018)", "HA-CNN (CVPR 2018)", "Mancs (ECCV 2018)", "MGN (ACM MM 2018)"),
        *("DSA-reID (CVPR 2019)", "ResNet"),
    ]
    assert len(lay_out([row("none", people={0: (70.0, 60.0)})], "table4").cells) == 1


def test_another_network_has_no_figure_of_the_paper_beside():
    small = row("none", market1501={0: (70.0, 60.0)})
    small.arch = "resnet18"
    assert len(lay_out([small], "table1").header) == 7


def test_latex_names_a_data_set_once_above_its_measures():
    lines = FORMATS["latex"](pair(), "table1").splitlines()
    assert lines[1] == r"\begin{table*}"
    assert lines[-1] == r"\end{table*}"
    assert lines[lines.index(r"\toprule") + 1 :][:3] == [
        r" &  &  &  &  & \multicolumn{2}{c}{people} & \multicolumn{4}{c}{Market1501} \\",
        r"\cmidrule(lr){6-7} \cmidrule(lr){8-11}",
        r"Model & Depth & Params & Epochs & Seeds & Rank-1 (\%) & mAP (\%) & Rank-1 (\%) & paper & mAP (\%) & paper \\",
    ]
    widths = {line.count(" & ") for line in lines if line.startswith(("Model", "ResNet"))}
    assert widths == {10}


def test_csv_and_json_have_the_numbers():
    (baseline, rga) = csv.DictReader(io.StringIO(FORMATS["csv"](pair(), "table1")))
    assert [name for name in baseline if name.startswith("market1501")] == [
        *("market1501_parameters", "market1501_seeds", "market1501_rank1_mean", "market1501_rank1_std"),
        *("market1501_rank1_paper", "market1501_mAP_mean", "market1501_mAP_std", "market1501_mAP_paper"),
    ]
    assert float(baseline["market1501_rank1_mean"]) == 94.5
    assert float(baseline["market1501_mAP_std"]) == pytest.approx(0.5**0.5)
    assert (rga["market1501_seeds"], rga["market1501_mAP_mean"], rga["people_mAP_mean"]) == ("1", "83.2", "")
    assert rga["market1501_mAP_paper"] == "88.1"
    plain = json.loads(FORMATS["json"](pair(), "table1"))
    assert plain[0]["mAP"]["market1501"]["by_seed"] == {"0": 84.0, "1": 83.0}
    assert plain[1]["rank1"] == {"market1501": {"mean": 94.9, "std": None, "by_seed": {"0": 94.9}}}
    assert plain[1]["paper"]["market1501"] == {"rank1": 95.8, "mAP": 88.1}


def test_methods_of_others_in_csv_and_json():
    rows = [row("none", msmt17={0: (70.0, 50.0)})]
    glad, ours = list(csv.DictReader(io.StringIO(FORMATS["csv"](rows, "table5"))))[2:]
    assert glad["model"] == "GLAD (CVPR 2018)"
    assert {key: value for key, value in glad.items() if value} == {
        "model": "GLAD (CVPR 2018)",
        "msmt17_rank1_paper": "61.4",
        "msmt17_mAP_paper": "34.0",
    }
    assert (ours["msmt17_rank1_mean"], ours["msmt17_rank1_paper"]) == ("70.0", "75.7")
    plain = json.loads(FORMATS["json"](rows, "table5"))
    assert plain[2] == {"model": "GLAD (CVPR 2018)", "paper": {"msmt17": {"rank1": 61.4, "mAP": 34.0}}}
    assert plain[3]["paper"] == {"msmt17": {"rank1": 75.7, "mAP": 51.5}}


def test_the_caption_names_both_and_files_begin_alike():
    text = FORMATS["markdown"](pair())
    assert "Test Rank-1 (%), mAP (%) after the last epoch" in text
    assert "the greatest Rank-1, the greatest mAP of each kind of network in bold, where it differs" in text
    for name, written in FORMATS.items():
        assert written(pair(), "table4").startswith(OPENINGS[name])


def figures(rank1, precision):
    return {"rank1": rank1, "mAP": precision, "rank5": 99.0}


def test_from_files(tmp_path):
    write(tmp_path / "a.pt", figures=figures(80.0, 60.0), dataset="market1501")
    write(tmp_path / "b.pt", seed=1, figures=figures(82.0, 64.0), dataset="market1501")
    write(tmp_path / "half.pt", figures={"rank1": 50.0}, dataset="msmt17")
    (found,), notes = read_runs([tmp_path])
    assert found.values == {"market1501": {0: {"rank1": 80.0, "mAP": 60.0}, 1: {"rank1": 82.0, "mAP": 64.0}}}
    assert [note.rpartition("/")[2] for note in notes] == [
        "half.pt was not written by rgaviz train; left out."
    ]


def test_copies_of_different_data_sets_part_no_row_but_copies_of_one_do(tmp_path):
    write(tmp_path / "a.pt", figures=figures(80.0, 60.0), dataset="market1501", source="image files")
    write(tmp_path / "b.pt", figures=figures(60.0, 50.0), dataset="cuhk03-labeled", source="release")
    (found,), _ = read_runs([tmp_path])
    assert found.setting == ""
    assert set(found.values) == {"market1501", "cuhk03-labeled"}
    write(tmp_path / "c.pt", seed=1, figures=figures(61.0, 51.0), dataset="cuhk03-labeled", source="files")
    assert len(read_runs([tmp_path])[0]) == 3
