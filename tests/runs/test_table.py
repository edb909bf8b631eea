"""Tables against cells worked out by hand."""

from __future__ import annotations

import csv
import io
import json
import statistics

import pytest
from finished import write

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.runs.layout import lay_out
from rgaviz.runs.papers import PAPERS
from rgaviz.runs.read import read_runs
from rgaviz.runs.row import Row
from rgaviz.runs.table import FORMATS, OPENINGS
from rgaviz.tasks import TASKS, Measure
from rgaviz.tasks.task import headline

ERROR = headline(TASKS["classification"])
ERRORS = {
    ("resnet20", "none"): {0: 8.0, 1: 9.0, 2: 8.5},
    ("resnet20", "rga-sc"): {0: 7.0, 1: 8.0},
    ("resnet18-w16", "none"): {0: 5.0},
}


def made(arch, attention, measure=ERROR, values=None, parameters=None, epochs=1):
    """A row with one measure, its values by data set and seed."""
    values = values or {}
    found = {
        name: {seed: {measure.key: value} for seed, value in by_seed.items()}
        for name, by_seed in values.items()
    }
    return Row(arch, attention, epochs, (measure,), parameters or dict.fromkeys(values, 1), found)


@pytest.fixture
def runs(tmp_path):
    for (arch, attention), errors in ERRORS.items():
        for seed, error in errors.items():
            write(tmp_path / arch / f"seed{seed}" / f"{attention}.pt", arch, attention, seed, error)
    write(tmp_path / "resnet20" / "hundred.pt", error=40.0, dataset="cifar100")
    return tmp_path


def test_means_and_spread_over_the_seeds(runs):
    rows, notes = read_runs([runs])
    _, cells, bold = table = lay_out(rows)
    header = table.header
    assert notes == []
    assert header == [
        "Model",
        "Depth",
        "Params",
        "Epochs",
        "Seeds",
        "CIFAR-10 error (%)",
        "CIFAR-100 error (%)",
    ]
    assert [row[:2] + row[3:] for row in cells] == [
        ["ResNet", "20", "3", "1–3", "8.50 ± 0.50", "40.00"],
        ["ResNet + RGA-SC", "20+4", "3", "2", "7.50 ± 0.71", ""],
        ["ResNet-w16", "18", "3", "1", "5.00", ""],
    ]
    assert f"{statistics.stdev([7.0, 8.0]):.2f}" == "0.71"
    assert bold == set()  # 8.50 and 7.50 differ by less than 0.50 + 0.71


def test_parameters_of_both_data_sets_where_they_differ_in_print():
    errors = {"cifar10": {0: 6.4}}
    row = made("resnet110", "none", ERROR, errors, {"cifar10": 1_727_962, "cifar100": 1_733_812})
    assert lay_out([row])[1][0][:3] == ["ResNet", "110", "1.73M"]
    row = made("densenet100", "none", ERROR, errors, {"cifar10": 6_979_642, "cifar100": 7_084_852})
    assert lay_out([row])[1][0][:3] == ["DenseNet", "100", "6.98M / 7.08M"]
    row = made("densenet-bc100", "none", ERROR, errors, {"cifar10": 769_162})
    assert lay_out([row])[1][0][2] == "0.769M"


@pytest.mark.parametrize(
    ("arch", "attention", "model", "depth"),
    [
        ("densenet-bc100", "rga-sc", "DenseNet-BC + RGA-SC", "100+4"),
        ("densenet115", "none", "DenseNet", "115"),
        ("resnet50", "rga-parallel", "ResNet + RGA-S//C", "50"),
        ("dilated-resnet101", "rga-sc", "ResNet + RGA-SC", "101"),
        ("resnet20", "nl+rga-s", "ResNet + Non-local + RGA-S", "20"),
    ],
)
def test_names(arch, attention, model, depth):
    row = made(arch, attention)
    assert (row.model, row.depth) == (model, depth)


def test_the_papers_figures_stand_beside_ours():
    rows = [made("resnet110", "rga-sc", ERROR, {"cifar10": {0: 5.0}, "shapes": {0: 1.0}})]
    _, cells, _ = table = lay_out(rows, "table7")
    header = table.header
    assert header[5:] == ["shapes error (%)", "CIFAR-10 error (%)", "CIFAR-10, paper"]
    assert cells[0][5:] == ["1.00", "5.00", "5.91"]
    assert json.loads(FORMATS["json"](rows, "table7"))[0]["paper"] == {"cifar10": 5.91, "cifar100": 25.36}
    assert next(csv.DictReader(io.StringIO(FORMATS["csv"](rows, "table7"))))["cifar10_paper"] == "5.91"
    with pytest.raises(UnknownNameError, match="table7"):
        lay_out(rows, "table8")


def test_table_7_of_the_paper():
    printed = """
        resnet110 none 6.40 27.62
        resnet218 none 6.26 25.71
        resnet110 rga-sc 5.91 25.36
        densenet100 none 4.08 20.97
        densenet115 none 3.93 20.5
        densenet100 rga-sc 4.06 20.15
        densenet-bc100 none 4.47 22.78
        densenet-bc115 none 4.41 22.13
        densenet-bc100 rga-sc 4.32 21.18
    """
    rows = [line.split() for line in printed.strip().splitlines()]
    assert PAPERS["table7"] == (
        {
            (arch, attention, ""): {"cifar10": {"error": float(ten)}, "cifar100": {"error": float(hundred)}}
            for arch, attention, ten, hundred in rows
        },
        {},
    )


def test_table_6_of_the_paper():
    """As printed: a row per network, mIoU on the training and the validation part."""
    printed = """
        none -    83.8 74.8
        none ppm  85.0 77.0
        none aspp 85.9 78.5
        rga-sc -    86.1 78.5
        rga-sc ppm  85.2 78.9
        rga-sc aspp 86.8 79.6
    """
    rows = [line.split() for line in printed.strip().splitlines()]
    assert PAPERS["table6"] == (
        {
            ("dilated-resnet101", attention, head.strip("-")): {
                "cityscapes": {"train_mIoU": float(train), "mIoU": float(val)}
            }
            for attention, head, train, val in rows
        },
        {},
    )


def test_the_head_is_a_part_of_the_name():
    measures = (Measure("train_mIoU", "mIoU on train"), Measure("mIoU", "mIoU"))
    values = {"cityscapes": {0: {"train_mIoU": 85.04, "mIoU": 77.46}}}
    rows = [
        Row("dilated-resnet101", attention, 108, measures, {"cityscapes": 65_000_000}, values, head=head)
        for attention, head in (("none", ""), ("rga-sc", "ppm"), ("rga-sc", "aspp"))
    ]
    table = lay_out(rows, "table6")
    assert [line[0] for line in table.cells] == ["ResNet", "ResNet + PPM + RGA-SC", "ResNet + ASPP + RGA-SC"]
    assert [line[5:] for line in table.cells] == [
        ["85.04", "83.80", "77.46", "74.80"],
        ["85.04", "85.20", "77.46", "78.90"],
        ["85.04", "86.80", "77.46", "79.60"],
    ]


def test_the_best_of_a_measure_that_is_to_be_great():
    great = Measure("map", "mAP")
    rows = [
        made("resnet50", "none", great, {"people": {0: 80.0, 1: 82.0}}),
        made("resnet50", "rga-sc", great, {"people": {0: 87.0, 1: 89.0}}),
    ]
    _, cells, bold = table = lay_out(rows)
    header = table.header
    assert header[5:] == ["people mAP (%)"]
    assert [row[5] for row in cells] == ["81.00 ± 1.41", "88.00 ± 1.41"]
    assert bold == {(1, 5)}
    assert json.loads(FORMATS["json"](rows))[1]["map"]["people"]["mean"] == 88.0
    assert "people_map_mean" in FORMATS["csv"](rows)
    assert "Test mAP (%) after the last epoch, mean ± standard deviation over seeds; the greatest mAP" in (
        FORMATS["markdown"](rows)
    )


def test_a_measure_without_a_unit_has_its_own_decimals():
    measure = Measure("mae", "mean absolute error", unit="", least=True)
    values = {"none": {0: 0.0124, 1: 0.0144}, "se": {0: 0.01338}, "rga-sc": {0: 0.016}}
    rows = [made("resnet20", name, measure, {"dots": by_seed}) for name, by_seed in values.items()]
    _, cells, bold = table = lay_out(rows)
    header = table.header
    assert header[-1] == "dots mean absolute error"
    assert [row[-1] for row in cells] == ["0.013 ± 0.001", "0.013", "0.016"]
    assert bold == set()  # of one seed no deviation is known


@pytest.mark.parametrize(
    "training",
    [{"recipe": "x"}, {"recipe": {"train": 3}}, {"dataset": ["x"]}, {"dataset": None}],
)
def test_a_file_that_tells_nonsense_is_left_out(tmp_path, training):
    write(tmp_path / "a.pt")
    write(tmp_path / "odd.pt", attention="rga-c", **{"dataset": "cifar10", **training})
    write(tmp_path / "nan.pt", attention="rga-s", error=float("nan"))
    rows, notes = read_runs([tmp_path])
    assert [row.attention for row in rows] == ["none"]
    assert [note.split("/")[-1] for note in notes] == [
        "nan.pt was not written by rgaviz train; left out.",
        "odd.pt was not written by rgaviz train; left out.",
    ]


def test_a_copy_counts_once_and_another_run_of_the_same_seed_is_refused(tmp_path):
    write(tmp_path / "a.pt", error=8.0)
    (tmp_path / "copy.pt").write_bytes((tmp_path / "a.pt").read_bytes())
    assert read_runs([tmp_path])[0][0].values == {"cifar10": {0: {"error": 8.0}}}
    write(tmp_path / "b.pt", error=9.0)
    with pytest.raises(RgavizError, match=r"a\.pt and .*b\.pt are the same network"):
        read_runs([tmp_path])


def test_what_is_not_finished_or_not_ours_is_left_out_and_said(tmp_path):
    write(tmp_path / "a.pt")
    write(tmp_path / "half.pt", attention="rga-sc")
    (tmp_path / "half.resume.pt").write_bytes(b"state")
    (tmp_path / "early.resume.pt").write_bytes(b"stopped in the first epoch")
    (tmp_path / "other.pt").write_bytes(b"something")
    rows, notes = read_runs([tmp_path])
    assert [row.attention for row in rows] == ["none"]
    assert len(notes) == 3
    assert "early.pt is not finished" in notes[0]
    assert "half.pt is not finished" in notes[1]
    assert "other.pt is not a checkpoint" in notes[2]
    with pytest.raises(RgavizError, match="not a checkpoint"):
        read_runs([tmp_path / "other.pt"])
    with pytest.raises(RgavizError, match="No finished network"):
        read_runs([tmp_path / "half.pt"])
    with pytest.raises(RgavizError, match="does not exist"):
        read_runs([tmp_path / "nowhere"])


def test_a_checkpoint_that_was_not_trained_here_is_left_out(networks):
    with pytest.raises(RgavizError, match="not written by rgaviz train"):
        read_runs([networks["baseline"]])


def test_formats(runs):
    rows = read_runs([runs])[0]
    texts = {name: write(rows) for name, write in FORMATS.items()}
    assert "| ResNet + RGA-SC | 20+4 | 0.191M | 3 | 2 | 7.50 ± 0.71 |  |" in texts["markdown"].splitlines()
    line = r"ResNet + RGA-SC & 20+4 & 0.191M & 3 & 2 & 7.50 $\pm$ 0.71 &  \\"
    assert line in texts["latex"].splitlines()
    assert r"CIFAR-10 error (\%)" in texts["latex"]
    assert texts["latex"].count("{") == texts["latex"].count("}")
    second = list(csv.DictReader(io.StringIO(texts["csv"])))[1]
    assert second["model"] == "ResNet + RGA-SC"
    assert (second["cifar10_seeds"], second["cifar10_error_mean"]) == ("2", "7.5")
    assert float(second["cifar10_error_std"]) == pytest.approx(0.5**0.5)
    assert second["cifar100_error_mean"] == ""
    assert json.loads(texts["json"])[1]["error"]["cifar10"]["by_seed"] == {"0": 7.0, "1": 8.0}
    assert all(text.startswith(OPENINGS[name]) for name, text in texts.items())


@pytest.mark.parametrize(
    ("values", "bold"),
    [
        ([{0: 5.0, 1: 5.2}, {0: 6.0, 1: 6.2}], {(0, 5)}),
        ([{0: 6.0, 1: 6.2}, {0: 5.0, 1: 5.2}], {(1, 5)}),
        ([{0: 5.0, 1: 6.0}, {0: 6.0, 1: 6.2}], set()),
        ([{0: 5.0}, {0: 6.0, 1: 6.2}], set()),
        ([{0: 5.0, 1: 5.2}, {0: 6.0}], set()),
        ([{0: 5.0, 1: 5.0}, {0: 5.0, 1: 5.0}], set()),
        ([{0: 5.0, 1: 5.2}], set()),
    ],
)
def test_bold_is_what_differs_by_more_than_the_deviations(values, bold):
    names = ("none", "rga-sc")
    rows = [
        made("resnet20", name, ERROR, {"cifar10": each}) for name, each in zip(names, values, strict=False)
    ]
    assert lay_out(rows)[2] == bold
    assert r"\textbf" in FORMATS["latex"](rows) or not bold
    assert r"\label{tab:results}" in FORMATS["latex"](rows)
