"""Checkpoints of epochs: kept where asked for, the same whether or not a run was interrupted."""

from __future__ import annotations

import shutil
import signal

import pytest
import tiny
import torch
from folders import fault

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import RgavizError
from rgaviz.runs.read import read_runs
from rgaviz.training import run as training
from rgaviz.training import signals
from rgaviz.training.state import checkpoint_path, kept_checkpoints

KEPT = {**tiny.OFTEN, "keep_every": 1}
NAMES = ["baseline-001.pt", "baseline-002.pt", "rga-001.pt", "rga-002.pt"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    tiny.run(out, changes=KEPT)
    return out


def kept(out):
    """Of each file its weights and its history without what depends on the clock."""
    found = {}
    for path in sorted((out / "epochs").iterdir()):
        checkpoint = load_checkpoint(path)
        history = [
            {key: value for key, value in row.items() if key not in ("seconds", "images_per_second")}
            for row in checkpoint.history
        ]
        found[path.name] = checkpoint.model.state_dict(), history
    return found


def same(out, other):
    ones, others = kept(out), kept(other)
    assert list(ones) == list(others) == NAMES
    for name, (weights, history) in ones.items():
        assert history == others[name][1]
        assert all(torch.equal(value, others[name][0][key]) for key, value in weights.items())


def test_each_is_of_its_epoch(whole):
    found = kept(whole)
    assert list(found) == NAMES
    for name in ("baseline", "rga"):
        first, last = (found[f"{name}-00{number}.pt"] for number in (1, 2))
        final = load_checkpoint(whole / f"{name}.pt").model.state_dict()
        assert (len(first[1]), len(last[1])) == (1, 2)
        assert all(torch.equal(value, final[key]) for key, value in last[0].items())
        assert any(not torch.equal(value, final[key]) for key, value in first[0].items())
    assert kept_checkpoints(whole, "rga") == {
        1: whole / "epochs/rga-001.pt",
        2: whole / "epochs/rga-002.pt",
    }


@pytest.mark.parametrize(("every", "names"), [(0, None), (2, NAMES[1::2]), (3, None)])
def test_how_often(tmp_path, every, names):
    tiny.run(tmp_path, changes={**tiny.OFTEN, "keep_every": every})
    found = (
        sorted(path.name for path in (tmp_path / "epochs").iterdir())
        if (tmp_path / "epochs").exists()
        else None
    )
    assert found == names


def test_a_resumed_run_keeps_the_same(tmp_path, whole):
    class Stop(tiny.Steps):
        def step(self, step):
            if (step.network, step.epoch, step.step) == ("baseline", 1, 2):
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, changes=KEPT, check_every=1, report=Stop())
    assert [path.name for path in (tmp_path / "epochs").iterdir()] == NAMES[:1]
    tiny.run(tmp_path, changes=KEPT, resume=True)
    same(tmp_path, whole)


@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_a_run_that_died_before_it_wrote_the_state_keeps_the_same(tmp_path, whole, monkeypatch, when):
    calls = []
    settle = training.Run._settle

    def die(self):
        calls.append(1)
        if len(calls) == when:
            raise MemoryError("killed")
        return settle(self)

    with monkeypatch.context() as patched:
        patched.setattr(training.Run, "_settle", die)
        with pytest.raises((MemoryError, RgavizError)):
            tiny.run(tmp_path, changes=KEPT)
    assert len(list((tmp_path / "epochs").iterdir())) == when
    tiny.run(tmp_path, changes=KEPT, resume=True)
    same(tmp_path, whole)


def test_it_may_be_asked_for_later(tmp_path, whole):
    class Stop(tiny.Steps):
        def epoch(self, row):
            if (row["network"], row["epoch"]) == ("baseline", 1):
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path, changes=tiny.OFTEN, report=Stop())
    tiny.run(tmp_path, changes=KEPT, resume=True)
    assert sorted(path.name for path in (tmp_path / "epochs").iterdir()) == NAMES[1:]


def test_a_new_run_forgets_those_of_the_one_before(tmp_path, whole):
    shutil.copytree(whole, tmp_path / "out")
    for path in (tmp_path / "out").glob("*.pt"):
        path.unlink()
    (tmp_path / "out/epochs/theirs-001.pt").write_text("mine")
    assert "holds an earlier run" in fault(RgavizError, tmp_path / "out", changes=tiny.OFTEN)
    tiny.run(tmp_path / "out", changes=tiny.OFTEN, overwrite=True)
    assert [path.name for path in (tmp_path / "out/epochs").iterdir()] == ["theirs-001.pt"]


def test_names_that_begin_alike(tmp_path):
    for network in ("rga", "rga-s"):
        path = checkpoint_path(tmp_path, network, 12)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "epochs/rga-x.pt").write_bytes(b"")
    (tmp_path / "epochs/rga-7.pt").write_bytes(b"")  # we write 007
    assert kept_checkpoints(tmp_path, "rga") == {12: tmp_path / "epochs/rga-012.pt"}
    assert kept_checkpoints(tmp_path, "rga-s") == {12: tmp_path / "epochs/rga-s-012.pt"}


def test_tables_are_of_the_networks_themselves(whole):
    rows, notes = read_runs([whole])
    assert [row.epochs for row in rows] == [2, 2]
    assert notes == []
