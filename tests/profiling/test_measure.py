"""Costs against counts worked out by hand."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from rgaviz.attention import build_attention
from rgaviz.errors import RgavizError
from rgaviz.models import create_model
from rgaviz.profiling import growth
from rgaviz.profiling.direct import direct_form
from rgaviz.profiling.growth import exponent, growing, measure_growth
from rgaviz.profiling.measure import (
    WARM_UP,
    Cost,
    Settings,
    alternate,
    machine,
    measure,
    multiply_accumulates,
    parameters,
    workload,
)
from rgaviz.profiling.memory import peak_memory

CPU = torch.device("cpu")
INFERENCE, TRAINING = Settings(CPU, repeats=2), Settings(CPU, train=True, repeats=2)


def silent(items, **_):
    return items


class Scale(nn.Module):
    """x w + x: its tensors can be counted on the fingers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 4, 1, 1))

    def forward(self, x):
        return x * self.weight + x


def test_multiply_accumulates_of_a_network():
    stem = 3 * 16 * 9 * 32 * 32
    first = 6 * 16 * 16 * 9 * 32 * 32
    second = (16 * 32 + 5 * 32 * 32) * 9 * 16 * 16
    third = (32 * 64 + 5 * 64 * 64) * 9 * 8 * 8
    build = partial(create_model, "resnet20", image_size=(32, 32))
    assert multiply_accumulates(build, (8, 3, 32, 32)) == stem + first + second + third + 64 * 10


def test_multiply_accumulates_of_both_forms_of_rga():
    n, features, d, m, hidden = 8 * 4, 64, 8, 4, 1  # s1 = 8, (4 + 1) // 8 is 0: s2 = 4
    shape = (1, features, 8, 4)
    embed, shrink, score = n * features * 3 * d, n * m * hidden, n * hidden
    factored = 2 * m * n * d + n * 2 * d * m  # A Phi and B Theta, then all nodes by them
    build = partial(build_attention, "rga-s", features, (8, 4), 8, 4)
    assert multiply_accumulates(build, shape) == embed + factored + shrink + score
    direct = n * d * n + 2 * n * m * n  # R, then varphi of 2n channels
    shrink = n * (m + 1) * hidden  # the pooled feature is one of the channels
    built = direct_form(build())
    assert multiply_accumulates(lambda: built, shape) == embed + direct + shrink + score


def test_parameters_without_building():
    def build():
        made = create_model("resnet20", "rga-sc", image_size=(32, 32))
        assert all(each.is_meta for each in made.parameters())
        return made

    built = create_model("resnet20", "rga-sc", image_size=(32, 32))
    assert parameters(build) == sum(each.numel() for each in built.parameters())


def test_peak_memory_by_hand(capfd):
    shape = (2, 4, 16, 16)
    maps, weight = 4 * 2 * 4 * 16 * 16, 4 * 4
    inference = peak_memory(partial(workload, Scale, shape, INFERENCE), CPU)
    assert inference == weight + 3 * maps  # input, product, output
    training = peak_memory(partial(workload, Scale, shape, TRAINING), CPU)
    assert training is not None
    # Input, output, its gradient, that times the input; weight, its gradient, its momentum, and odd scalars.
    assert 4 * maps + 3 * weight <= training <= 4 * maps + 20 * weight
    assert peak_memory(partial(workload, Scale, shape, TRAINING), CPU) == training
    inner = peak_memory(partial(workload, Scale, shape, TRAINING, inner=True), CPU)
    assert inner is not None
    assert inner >= training + maps
    assert capfd.readouterr() == ("", "")  # the profiler's own words are kept back


def test_peak_memory_sees_the_direct_form():
    shape, n = (1, 64, 32, 32), 1024
    forms = {
        name: peak_memory(partial(workload, partial(build, 64, (32, 32)), shape, INFERENCE), CPU)
        for name, build in growing(["rga-s"]).items()
    }
    relations = 4 * n * n
    assert forms["rga-s (direct)"] - forms["rga-s"] > 3 * relations - 2**20  # R and its concatenation


def test_no_counter_no_memory():
    assert peak_memory(lambda: pytest.fail("nothing to measure"), torch.device("mps")) is None


def test_turns_alternate_and_the_first_are_dropped():
    turns: list[str] = []
    seen: list[tuple[int, str]] = []

    def track(items, *, total, description):
        assert total == len(items)
        seen.append((total, description))
        return items

    waits: list[int] = []
    found = alternate(
        {name: partial(turns.append, name) for name in "abc"},
        3,
        track,
        synchronise=lambda: waits.append(len(turns)),
    )
    assert "".join(turns) == "abccba" * 2 + "abc"
    assert WARM_UP == 2
    assert {name: len(values) for name, values in found.items()} == {"a": 3, "b": 3, "c": 3}
    assert all(value >= 0 for values in found.values() for value in values)
    assert seen == [(15, "time")]
    assert waits == [count for turn in range(15) for count in (turn, turn + 1)]  # before and after each


@pytest.mark.parametrize("settings", [INFERENCE, TRAINING])
def test_the_work_is_inference_or_a_step_and_leaves_the_weights(settings):
    module = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    step = workload(lambda: module, (2, 4, 8, 8), settings)
    output = step()
    after = module.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    if settings.train:
        assert changed == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
        assert all(each.grad is not None for each in module.parameters())
    else:
        assert changed == set()
        assert isinstance(output, torch.Tensor)
        assert output.is_inference()
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_precision():
    settings = Settings(CPU, precision=torch.bfloat16)
    assert workload(lambda: nn.Conv2d(4, 4, 1), (2, 4, 8, 8), settings)().dtype == torch.bfloat16
    assert workload(lambda: nn.Conv2d(4, 4, 1), (2, 4, 8, 8), INFERENCE)().dtype == torch.float32
    assert machine(settings)["precision"] == "bf16"
    assert machine(TRAINING) == {
        "device": machine(INFERENCE)["device"],
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "precision": "fp32",
        "mode": "training step",
    }


def test_a_row_has_median_and_quartiles():
    row = Cost(10, 20, 3 * 2**20, (0.005, 0.001, 0.002, 0.003, 0.004)).row()
    assert row == pytest.approx(
        {
            "parameters": 10,
            "macs": 20,
            "latency_ms": 3.0,
            "latency_q1_ms": 2.0,
            "latency_q3_ms": 4.0,
            "memory_mib": 3.0,
        }
    )
    assert Cost(10, 20, None, (1.0, 2.0)).row()["memory_mib"] is None


def test_all_networks_are_measured():
    builds = {
        name: partial(create_model, "resnet20", name, image_size=(16, 16), width=4, s1=2, s2=2)
        for name in ("none", "rga-sc")
    }
    costs = measure(builds, (2, 3, 16, 16), TRAINING, silent)
    assert list(costs) == ["none", "rga-sc"]
    none, rga = costs["none"], costs["rga-sc"]
    assert len(none.seconds) == len(rga.seconds) == 2
    assert none.parameters < rga.parameters
    assert none.macs < rga.macs
    assert (none.memory or 0) < (rga.memory or 0)


def test_what_does_not_fit_is_told():
    shape = (1, 3, 10**6, 10**6)
    with pytest.raises(
        RgavizError, match=r"batch of 1 at 1000000x1000000 does not fit .* smaller --batch-size"
    ):
        measure({"relu": nn.ReLU}, shape, INFERENCE, silent)


def test_other_errors_are_not_about_memory():
    with pytest.raises(RuntimeError, match="expected input"):
        measure({"conv": partial(nn.Conv2d, 4, 4, 1)}, (1, 3, 4, 4), INFERENCE, silent)


def test_growth(monkeypatch):
    monkeypatch.setattr(growth, "SIDES", (8, 12))
    points, notes = measure_growth(["se", "rga-s"], "N", INFERENCE, silent)
    assert notes == []
    assert [(point.name, point.x, point.size) for point in points] == [
        (name, side * side, (side, side)) for side in (8, 12) for name in ("se", "rga-s", "rga-s (direct)")
    ]
    by = {(point.name, point.x): point.cost for point in points}
    assert by["rga-s", 64].parameters == by["rga-s (direct)", 64].parameters
    assert by["rga-s (direct)", 144].macs > by["rga-s", 144].macs
    assert by["se", 64].macs == by["se", 144].macs == 2 * 64 * 4

    monkeypatch.setattr(growth, "CHANNELS", (64, 128))
    points, _ = measure_growth(["se"], "C", INFERENCE, silent, batch_size=2)
    assert [(point.x, point.channels, point.size) for point in points] == [
        (64, 64, (16, 16)),
        (128, 128, (16, 16)),
    ]


def test_a_curve_ends_before_memory_does(monkeypatch):
    monkeypatch.setattr(growth, "SIDES", (8, 16, 24))
    found, _ = measure_growth(["rga-s"], "N", INFERENCE, silent)
    memory = {(point.name, point.x): point.cost.memory for point in found}
    # Enough for what (64 -> 256) may take, sixteen times as much; not for 256 -> 576.
    enough = 2 * 16.5 * memory["rga-s (direct)", 64]
    assert enough < 2 * 5.0625 * memory["rga-s (direct)", 256]
    assert enough > 2 * 5.0625 * memory["rga-s", 256]
    monkeypatch.setattr(growth, "available_memory", lambda device: enough)
    points, notes = measure_growth(["rga-s"], "N", INFERENCE, silent)
    assert [(p.name, p.x) for p in points if "direct" in p.name] == [
        ("rga-s (direct)", 64),
        ("rga-s (direct)", 256),
    ]
    assert [p.x for p in points if p.name == "rga-s"] == [64, 256, 576]
    assert len(notes) == 1
    assert notes[0].startswith("rga-s (direct) ends at N = 256: N = 576 may take")


def test_exponent_is_of_the_larger_half():
    xs = [1, 2, 4, 8, 16, 32, 64]
    assert exponent(xs, [5, 5, 5, *(3 * x**1.5 for x in xs[3:])]) == pytest.approx(1.5)
    assert exponent([2, 4], [1, 4]) == pytest.approx(2)
    assert exponent([2, 4, 8], [None, 4, 32]) == pytest.approx(3)
    assert exponent([1, 2], [None, None]) is None
    assert exponent([2], [3]) is None
