from __future__ import annotations

import csv
import itertools
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
import torch.nn.functional as F
from killed import MOMENTS
from tiny import STEPS
from torch.torch_version import TorchVersion

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.batches import evaluation_batches, train_batches
from rgaviz.data.order import epoch_generator, shuffled
from rgaviz.errors import CheckpointError, OutputError, RgavizError
from rgaviz.models import create_model
from rgaviz.training import loop, report, run, signals
from rgaviz.training.metrics import evaluate, summarise
from rgaviz.training.optim import learning_rate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def whole(request, tmp_path_factory):
    """A training that nothing interrupted, and its precision."""
    out = tmp_path_factory.mktemp(request.param)
    return out, tiny.run(out, changes={"precision": request.param}), request.param


@pytest.fixture(scope="module")
def fp32(tmp_path_factory):
    out = tmp_path_factory.mktemp("fp32")
    tiny.run(out)
    return out


class Steps(report.Silent):
    """Remembers what it heard."""

    def __init__(self):
        self.starts, self.steps, self.rows = [], [], []

    def start(self, network, epoch, epochs):
        self.starts.append((network, epoch, epochs))

    def step(self, step):
        self.steps.append(step)

    def epoch(self, row):
        self.rows.append(row)


class Interruption(report.Silent):
    """Sends this process a signal after a number of steps, here and in the runs that resume it."""

    def __init__(self, number=signal.SIGINT):
        self.number = number

    def step(self, step):
        os.kill(os.getpid(), self.number)


def files(out):
    return sorted(path.name for path in out.iterdir())


def rows(out):
    with (out / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def measured(out):
    """metrics.csv without what depends on the clock."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows(out)]


def same(out, other):
    ones, others = tiny.weights(out), tiny.weights(other)
    assert ones.keys() == others.keys()
    unequal = [name for name in ones if not torch.equal(ones[name], others[name])]
    assert not unequal
    assert measured(out) == measured(other)
    assert files(out) == files(other) == ["baseline.pt", "metrics.csv", "rga.pt"]


def fault(kind, *arguments, **options):
    with pytest.raises(kind) as caught:
        tiny.run(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def start(*command, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **options}
    command = [sys.executable, *map(str, command)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert answer.returncode == 0, answer.stderr
    return answer.stderr


# one training


def test_files_rows_and_checkpoints(whole):
    out, answer, precision = whole
    assert files(out) == ["baseline.pt", "metrics.csv", "rga.pt"]
    table = rows(out)
    assert [(row["network"], row["epoch"]) for row in table] == [
        ("baseline", "1"),
        ("baseline", "2"),
        ("rga", "1"),
        ("rga", "2"),
    ]
    assert [{key: str(value) for key, value in row.items()} for row in answer] == [table[1], table[3]]
    for name, attention in (("baseline", "none"), ("rga", "rga-sc")):
        checkpoint = load_checkpoint(out / f"{name}.pt")
        assert checkpoint.config["attention"] == attention
        assert checkpoint.classes == list(tiny.dataset().classes)
        assert checkpoint.training["dataset"] == "shapes"
        assert checkpoint.training["precision"] == precision
        assert checkpoint.training["processes"] == 1
        assert checkpoint.training["recipe"]["train"]["lr"] == 0.05
        history = [{"network": name, **row} for row in checkpoint.history]
        assert [{k: str(v) for k, v in row.items()} for row in history] == [
            row for row in table if row["network"] == name
        ]
        last = checkpoint.history[-1]
        assert checkpoint.metrics == {
            key: last[key] for key in ("test_error", "test_loss", "train_error", "train_loss")
        }
        test = tiny.dataset().part("test")
        images, labels = test.images, test.labels
        wrong = sum(
            prediction.index != label
            for prediction, label in zip(
                checkpoint.predict([image.numpy() for image in images]), labels.tolist(), strict=True
            )
        )
        if precision == "fp32":
            assert last["test_error"] == pytest.approx(100 * wrong / 21)


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_decay": 0.1, "label_smoothing": 0.2},
        {
            "weight_decay": 0.1,
            "decay_all": True,
            "schedule": "steps",
            "milestones": (1,),
            "warmup_lr": 0.0002,
        },
    ],
)
def test_it_is_stochastic_gradient_descent(tmp_path, changes):
    """Against the plainest of loops; at a small learning rate, lest rounding grow into differences."""
    changes = {**changes, "lr": 0.0005}
    (row,) = tiny.run(tmp_path, ["none"], seed=3, changes=changes)
    data, config = tiny.dataset(), tiny.recipe(**changes).train
    torch.manual_seed(3)
    model = create_model("resnet18-w16", width=8, image_size=(16, 16)).to(memory_format=torch.channels_last)
    buffers = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for epoch in range(2):
        losses, right = [], 0
        draw = epoch_generator(3, epoch)
        options = {"augmentation": "shift-mirror", "mean": data.mean, "std": data.std}
        order = shuffled(70, 16, draw)
        for step, (images, labels) in enumerate(train_batches(data.part("train"), order, draw, **options)):
            logits = model(images)
            loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
            model.zero_grad()
            loss.backward()
            rate = learning_rate(config, epoch + step / STEPS)
            with torch.no_grad():
                for parameter, buffer in zip(model.parameters(), buffers, strict=True):
                    decay = config.weight_decay if config.decay_all or parameter.ndim > 1 else 0
                    gradient = parameter.grad + decay * parameter
                    buffer.mul_(0.9).add_(gradient)
                    parameter -= rate * (gradient + 0.9 * buffer)
            losses.append(loss.item())
            right += int((logits.argmax(1) == labels).sum())
    trained = load_checkpoint(tmp_path / "baseline.pt").model.state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(
            trained[name], value, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert row["train_loss"] == pytest.approx(sum(losses) / STEPS, abs=1e-4)
    assert row["train_error"] == pytest.approx(100 * (1 - right / 64), abs=1e-6)


def test_a_pair_starts_alike_and_sees_the_same_data(tmp_path, monkeypatch):
    initial, seen = [], {"baseline": [], "rga": []}

    def create(*arguments, **options):
        model = create_model(*arguments, **options)
        if next(model.parameters()).device.type != "meta":  # the check before the first epoch
            initial.append({key: value.clone() for key, value in model.state_dict().items()})
        return model

    def batches(*arguments, **options):
        for images, labels in train_batches(*arguments, **options):
            seen[["baseline", "rga"][len(initial) - 1]].append((images, labels))
            yield images, labels

    monkeypatch.setattr(run, "create_model", create)
    monkeypatch.setattr(run, "train_batches", batches)
    tiny.run(tmp_path)
    baseline, rga = initial
    assert set(baseline) < set(rga)
    assert all(torch.equal(value, rga[key]) for key, value in baseline.items())
    assert len(seen["baseline"]) == len(seen["rga"]) == 2 * STEPS
    for one, other in zip(*seen.values(), strict=True):
        assert all(map(torch.equal, one, other))


def test_reports_and_names(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHECK_EVERY", 3)
    report = Steps()
    tiny.run(
        tmp_path, ["rga-s", "none"], report=report, changes={"epochs": 1}, settings={"command": "train it"}
    )
    assert files(tmp_path) == ["baseline.pt", "metrics.csv", "rga-s.pt"]
    assert report.starts == [("rga-s", 0, 1), ("baseline", 0, 1)]
    assert [(each.network, each.epoch, each.epochs, each.step, each.steps) for each in report.steps] == [
        ("rga-s", 0, 1, 3, 4),
        ("rga-s", 0, 1, 4, 4),
        ("baseline", 0, 1, 3, 4),
        ("baseline", 0, 1, 4, 4),
    ]
    assert all(each.images_per_second > 0 for each in report.steps)
    for row, step in zip(report.rows, report.steps[1::2], strict=True):
        assert row["network"] == step.network
        assert row["train_loss"] == pytest.approx(step.loss)
        assert 100 - row["train_error"] == pytest.approx(step.accuracy)
    assert load_checkpoint(tmp_path / "rga-s.pt").training["command"] == "train it"


# going on


def test_interrupted_after_every_single_step(whole, tmp_path, monkeypatch):
    out, _, precision = whole
    monkeypatch.setattr(run, "CHECK_EVERY", 1)
    options = {"changes": {"precision": precision}, "settings": {"command": "another line"}}
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for count in range(2 * 2 * STEPS):
        number = signal.SIGTERM if count % 3 else signal.SIGINT
        with pytest.raises(signals.Interrupted):
            tiny.run(tmp_path, resume=count > 0, report=Interruption(number), **options)
        assert list(tmp_path.glob("*.resume.pt"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    report = Steps()
    tiny.run(tmp_path, resume=True, report=report, **options)
    assert report.steps == []
    same(tmp_path, out)


@pytest.fixture
def heeded():
    """Ctrl-C as a terminal has it; a program started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_a_second_signal_acts_at_once():
    with pytest.raises(KeyboardInterrupt) as caught, signals.stop_signals() as stopped:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped
        os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(caught.value, signals.Interrupted)


def test_killed_at_any_moment(fp32, tmp_path):
    start(ROOT / "tests/training/killed.py", tmp_path)
    for name in MOMENTS:
        out = tmp_path / name
        tiny.run(out, resume=True)
        (out / ".rgaviz-00000000.tmp").unlink(missing_ok=True)
        same(out, fp32)


def test_resume_with_nothing_there_starts(fp32, tmp_path):
    tiny.run(tmp_path / "new", resume=True)
    same(tmp_path / "new", fp32)


def test_resume_of_a_finished_run_does_nothing(fp32):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in fp32.glob("*.pt")}
    table, report = rows(fp32), Steps()
    answer = tiny.run(fp32, resume=True, report=report)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in fp32.glob("*.pt")} == before
    assert report.starts == [("baseline", 2, 2), ("rga", 2, 2)]
    assert report.steps == []
    assert rows(fp32) == table
    assert [row["test_loss"] for row in answer] == [
        float(table[1]["test_loss"]),
        float(table[3]["test_loss"]),
    ]


def test_on_a_cpu_memory_is_kept(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(loop, "keep_freed_memory", lambda: calls.append("kept"))
    tiny.run(tmp_path, ("none",), changes={"epochs": 1})
    assert calls == ["kept"]


def test_an_older_compiler_does_not_recompute(tmp_path, monkeypatch):
    recipe = tiny.recipe(compile=True)
    recipe = replace(recipe, model=replace(recipe.model, arch="densenet-bc100", memory_efficient=True))
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.8.0+cu128"))
    with pytest.raises(RgavizError, match=r"PyTorch 2\.8\.0\+cu128 .* take 2\.9, or leave out --compile"):
        loop.train(tiny.dataset(), recipe, ("none",), tmp_path, device=tiny.CPU)
    assert not files(tmp_path)


@pytest.fixture
def interrupted(tmp_path):
    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path / "out", report=Interruption())
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 7}, ["seed = 0, not 7"]),
        ({"changes": {"lr": 0.01}}, ["recipe.train.lr = 0.05, not 0.01"]),
        ({"changes": {"epochs": 3}}, ["recipe.train.epochs = 2, not 3"]),
        ({"changes": {"weight_decay": 0.0}}, ["recipe.train.weight_decay = 0.0005, not 0.0"]),
    ],
)
def test_resume_with_other_settings_is_refused(interrupted, fp32, options, words):
    for out in (interrupted, fp32):
        message = fault(RgavizError, out, resume=True, **options)
        for word in (str(out), "same settings", "--out", *words):
            assert word in message


def test_a_fresh_run_forgets_the_one_before(interrupted, tmp_path):
    """Else its second network, resumed, would be the first run's."""
    tiny.run(interrupted, resume=True)
    with pytest.raises(signals.Interrupted):
        tiny.run(interrupted, seed=1, overwrite=True, report=Interruption())
    tiny.run(interrupted, seed=1, resume=True)
    tiny.run(tmp_path / "new", seed=1)
    same(interrupted, tmp_path / "new")


def test_a_damaged_state(interrupted):
    path = interrupted / "baseline.resume.pt"
    path.write_bytes(path.read_bytes()[:1000])
    message = fault(CheckpointError, interrupted, resume=True)
    assert str(path) in message
    assert "--out" in message


def test_an_unfinished_run_without_its_state(interrupted):
    (interrupted / "baseline.resume.pt").unlink()
    message = fault(CheckpointError, interrupted, resume=True)
    assert "baseline.resume.pt" in message
    assert "--out" in message


# what can go wrong


def test_a_loss_that_is_not_finite(tmp_path):
    message = fault(RgavizError, tmp_path, changes={"lr": 1e9})
    for word in ("baseline", "epoch 1", "step", "learning rate", "--set train.lr=2.5e+08", "train.warmup"):
        assert word in message
    assert not (tmp_path / "baseline.pt").exists()


def test_the_step_of_the_first_nan_is_named(tmp_path, monkeypatch):
    epochs = itertools.count()

    def poisoned(*arguments, **options):
        epoch = next(epochs)
        for step, (images, labels) in enumerate(train_batches(*arguments, **options)):
            yield images * (float("nan") if (epoch, step) == (1, 2) else 1), labels

    monkeypatch.setattr(run, "train_batches", poisoned)
    message = fault(RgavizError, tmp_path)
    # lr 0.05, up in half an epoch, down to 0 at epoch 2: at 1.5 a third of it is left
    assert "The loss of baseline is nan at epoch 2, step 3, learning rate 0.01667." in message
    assert len(load_checkpoint(tmp_path / "baseline.pt").history) == 1


def test_weights_ruined_by_the_last_step_are_not_saved(tmp_path, monkeypatch):
    def ruined(model, *arguments):
        model.fc.bias.data.fill_(float("nan"))
        return evaluate(model, *arguments)

    monkeypatch.setattr(run, "evaluate", ruined)
    message = fault(RgavizError, tmp_path)
    assert "The test loss of baseline is nan at epoch 1, step 4" in message
    assert not (tmp_path / "baseline.pt").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_cannot_be_written_is_found_before_any_step(tmp_path, resume):
    (tmp_path / "file").write_text("")
    report = Steps()
    message = fault(OutputError, tmp_path / "file" / "out", report=report, resume=resume)
    assert str(tmp_path / "file" / "out") in message
    assert report.steps == []


# two processes


def test_two_processes_equal_one(tmp_path, monkeypatch):
    from two_processes import CHANGES, doubled_batches

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ("-m", "torch.distributed.run", "--nproc-per-node", 2, "--master-port", port)
    start(*launch, ROOT / "tests/training/two_processes.py", tmp_path)
    whole, interrupted, alone = (tmp_path / name for name in ("whole", "interrupted", "alone"))
    same(whole, interrupted)
    assert load_checkpoint(whole / "rga.pt").training["processes"] == 2

    monkeypatch.setattr(run, "train_batches", doubled_batches)
    tiny.run(alone, changes=CHANGES)
    assert files(alone) == files(whole)
    one, two = tiny.weights(alone), tiny.weights(whole)
    torch.manual_seed(0)
    untrained = create_model("resnet18-w16", width=8, image_size=(16, 16)).conv1.weight
    assert (two["rga.conv1.weight"] - untrained).abs().max() > 1e-3  # a hundred times the tolerance
    for name, value in one.items():
        # the unbiased variance of half as many values is a little larger
        tolerance = {"rtol": 2e-2, "atol": 1e-4} if "running_var" in name else {"rtol": 0, "atol": 1e-5}
        torch.testing.assert_close(two[name], value, msg=name, **tolerance)
    for row, other in zip(rows(alone), rows(whole), strict=True):
        assert float(row["train_loss"]) == pytest.approx(float(other["train_loss"]), abs=1e-5)
        assert float(row["train_error"]) == pytest.approx(float(other["train_error"]))
        assert float(row["test_loss"]) == pytest.approx(float(other["test_loss"]), rel=1e-2)
    # The halves gave each process running statistics of its own; measured were those that were saved.
    shared, data = load_checkpoint(tmp_path / "shared" / "baseline.pt"), tiny.dataset()
    batches = evaluation_batches(data.part("test"), batch_size=21, mean=data.mean, std=data.std)
    summary = summarise(*evaluate(shared.model, batches, 10))
    assert summary["test_loss"] == pytest.approx(shared.metrics["test_loss"], abs=1e-5)
    assert summary["test_error"] == pytest.approx(shared.metrics["test_error"])

    said = {(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)}
    assert len(said) == 1  # both processes agree on the loss, and refuse an odd batch
    assert "train.batch_size = 15" in said.pop()
