"""Going on where a training stopped: exact, whenever and however that was."""

from __future__ import annotations

import dataclasses
import os
import signal

import pytest
import tiny
import torch
from folders import ROOT, fault, rows, same, start
from killed import MOMENTS
from tiny import STEPS

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.training import signals
from rgaviz.training.resume import load_state
from rgaviz.training.totals import Totals


class Interruption(tiny.Steps):
    """Sends this process a signal after every step, here and in the runs that resume it."""

    def __init__(self, number=signal.SIGINT):
        super().__init__()
        self.number = number

    def step(self, step):
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("precision", "every"), [("fp32", 1), ("bf16", 3)])
def test_interrupted_after_every_look(request, precision, every, tmp_path):
    """After every single step, or after the third and the last of an epoch."""
    out, _ = request.getfixturevalue(precision)
    options = {
        "changes": {"precision": precision},
        "settings": {"command": "another line"},
        "check_every": every,
    }
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for count in range(2 * 2 * -(-STEPS // every)):
        number = signal.SIGTERM if count % 3 else signal.SIGINT
        with pytest.raises(signals.Interrupted):
            tiny.run(tmp_path, resume=count > 0, report=Interruption(number), **options)
        assert list(tmp_path.glob("*.resume.pt"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    report = tiny.Steps()
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


SOME = ["before a row of metrics.csv", "while the state is written", "in the last test"]


@pytest.mark.parametrize("moments", [SOME, pytest.param(list(MOMENTS), marks=pytest.mark.slow)], ids=len)
def test_killed_at_any_moment(fp32, tmp_path, moments):
    start(ROOT / "tests/training/killed.py", tmp_path, *moments)
    left = set()
    for name in moments:
        out = tmp_path / name
        left |= {name for _ in out.glob(".rgaviz-*.tmp")}
        tiny.run(out, resume=True)
        assert not list(out.glob(".rgaviz-*.tmp"))  # the next one has cleared them
        same(out, fp32[0])
    assert left == {name for name in moments if name.startswith(("before", "while"))} - {
        "before anything but the beginning was saved"
    }


def test_resume_with_nothing_there_starts(fp32, tmp_path):
    tiny.run(tmp_path / "new", resume=True)
    same(tmp_path / "new", fp32[0])


def test_resume_of_a_finished_run_does_nothing(fp32):
    out, _ = fp32
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.glob("*.pt")}
    table, report = rows(out), tiny.Steps()
    answer = tiny.run(out, resume=True, report=report)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.glob("*.pt")} == before
    assert report.starts == [("baseline", 2, 2), ("rga", 2, 2)]
    assert report.steps == []
    assert rows(out) == table
    assert [row["test_loss"] for row in answer] == [
        float(table[1]["test_loss"]),
        float(table[3]["test_loss"]),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 7}, ["seed = 0, not 7"]),
        ({"changes": {"lr": 0.01}}, ["recipe.train.lr = 0.05, not 0.01"]),
        ({"changes": {"epochs": 3}}, ["recipe.train.epochs = 2, not 3"]),
        ({"changes": {"weight_decay": 0.0}}, ["recipe.train.weight_decay = 0.0005, not 0.0"]),
        ({"changes": {"optimizer": "adam"}}, ["recipe.train.optimizer = sgd, not adam"]),
        ({"changes": {"augment": "none"}}, ["recipe.data.augment = shift-mirror, not none"]),
    ],
)
def test_resume_with_other_settings_is_refused(interrupted, fp32, options, words):
    for out in (interrupted, fp32[0]):
        message = fault(RgavizError, out, resume=True, **options)
        for word in (str(out), "same settings", "--out", *words):
            assert word in message


def test_an_option_of_the_network_that_is_left_out_is_another_setting(interrupted):
    model = tiny.recipe().model
    other = tiny.recipe().changed(model=model.changed(width=None))
    with pytest.raises(RgavizError, match=r"recipe\.model\.width = 8, not None"):
        tiny.loop.train(tiny.dataset(), other, tiny.PAIR, interrupted, device=tiny.CPU, resume=True)


def test_what_does_not_change_the_result_may_change(interrupted, fp32):
    tiny.run(interrupted, resume=True, changes={"save_minutes": 1.0})
    same(interrupted, fp32[0])


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


def test_an_unfinished_run_without_its_state(tmp_path):
    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, report=AfterAnEpoch(), changes=tiny.OFTEN)
    (tmp_path / "baseline.resume.pt").unlink()
    message = fault(CheckpointError, tmp_path, resume=True)
    assert "baseline.resume.pt" in message
    assert "--out" in message


class AfterAnEpoch(tiny.Steps):
    """Sends this process a signal when the first epoch has ended."""

    def epoch(self, row):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_after_an_epoch_that_was_not_saved_saves_it(fp32, tmp_path):
    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, report=AfterAnEpoch())
    assert len(load_state(tmp_path / "baseline.resume.pt").history) == 1
    assert [row["epoch"] for row in rows(tmp_path)] == ["1"]
    tiny.run(tmp_path, resume=True)
    same(tmp_path, fp32[0])


class Minutes(tiny.Steps):
    """A clock that goes on by so many minutes at each step; remembers at which steps and epochs what was on disk."""

    def __init__(self, path, minutes):
        super().__init__()
        self.path, self.minutes, self.now = path, minutes, 0.0
        self.states, self.checkpoints = [], []

    def step(self, step):
        self.now += self.minutes
        state = load_state(self.path / "baseline.resume.pt")  # before this step is saved
        self.states.append((len(state.history), state.totals.steps))

    def epoch(self, row):
        self.checkpoints.append((self.path / "baseline.pt").exists())


def test_saved_by_epoch_or_by_time_whichever_is_later(tmp_path):
    """Epochs of 8 minutes: in their middle after 6, and at their end, whose checkpoint is more than 5 minutes old."""
    report = Minutes(tmp_path, 2)
    tiny.run(tmp_path, ["none"], report=report, check_every=1, clock=lambda: 60 * report.now)
    assert report.states == [(0, 0), (0, 0), (0, 0), (0, 3), (1, 0), (1, 0), (1, 0), (1, 3)]
    assert report.checkpoints == [True, True]


def test_short_epochs_are_not_all_saved(tmp_path):
    """Epochs of 2 minutes: a checkpoint of the first, the state 5 minutes later, in the fourth."""
    report = Minutes(tmp_path, 0.5)
    changes = {"epochs": 4}
    tiny.run(tmp_path, ["none"], report=report, check_every=1, clock=lambda: 60 * report.now, changes=changes)
    assert report.states == [(0, 0)] * 4 + [(1, 0)] * 10 + [(3, 2)] * 2
    assert report.checkpoints == [True] * 4


def test_totals_are_means_over_images():
    totals = Totals()
    steps = [
        {"loss": torch.tensor(2.0), "error": torch.tensor(200.0)},
        {"loss": torch.tensor(1.0), "error": torch.tensor(0.0)},
    ]
    assert totals.add(steps, [4, 4]) == [2.0, 1.0]
    assert totals.add([{"loss": torch.tensor(4.0), "error": torch.tensor(400.0)}], [4]) == [4.0]
    assert (totals.images, totals.steps) == (12, 3)
    assert totals.means() == {"loss": pytest.approx(7 / 3), "error": pytest.approx(50)}


@pytest.mark.parametrize("step", [1, 3, 6])
def test_a_state_of_the_version_before_tasks_goes_on(fp32, tmp_path, step):
    """Which told the loss and how many images were right, in the middle of either epoch."""

    class At(tiny.Steps):
        def step(self, where):
            if 4 * where.epoch + where.step == step:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, report=At(), check_every=1)
    path = tmp_path / "baseline.resume.pt"
    state = torch.load(path, weights_only=True)
    totals = state["totals"]
    sums = totals.pop("sums")
    right = totals["images"] - sums["error"] / 100
    assert right == int(right)
    state["totals"] = {"loss": sums["loss"], "right": right, **totals}
    torch.save(state, path)
    tiny.run(tmp_path, resume=True)
    same(tmp_path, fp32[0])


def test_ctrl_c_after_a_short_epoch_leaves_its_checkpoint_and_row(tmp_path):
    """In the middle of the second, no minute after the start."""

    class Second(tiny.Steps):
        def step(self, where):
            if where.epoch == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, report=Second(), check_every=1)
    assert len(load_checkpoint(tmp_path / "baseline.pt").history) == 1
    assert [row["epoch"] for row in rows(tmp_path)] == ["1"]


def test_a_row_is_never_ahead_of_its_checkpoint(tmp_path):
    """Stopped in the third epoch, of the second of which there is no checkpoint: resumed and stopped again at once."""

    class Third(tiny.Steps):
        def step(self, where):
            if where.epoch == 2:
                os.kill(os.getpid(), signal.SIGTERM)

    for resume in (False, True):
        with pytest.raises(signals.Interrupted):
            tiny.run(tmp_path, resume=resume, report=Third(), check_every=1, changes={"epochs": 4})
        assert len(load_checkpoint(tmp_path / "baseline.pt").history) == 1
        assert [row["epoch"] for row in rows(tmp_path)] == ["1"]


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_while_the_images_are_read_loses_nothing(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    images = dataclasses.replace(tiny.dataset(), parts={"train": interrupt, "test": interrupt})
    with pytest.raises(signals.Interrupted):
        tiny.loop.train(images, tiny.recipe(), tiny.PAIR, tmp_path, device=tiny.CPU)
    assert not list(tmp_path.iterdir())
