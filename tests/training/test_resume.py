"""A state that is damaged, in a single bit even, is refused in one line; nothing of it is trained on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress

import pytest
import tiny
import torch
from folders import fault, same
from strange_documents import changed

from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.training import signals
from rgaviz.training.resume import load_state

FLIPS = 60


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder with the state of a pair stopped in its first epoch."""
    out = tmp_path_factory.mktemp("stopped")
    with pytest.raises(signals.Interrupted):
        tiny.run(out, task=tiny.First(loss=lambda *_: signal.raise_signal(signal.SIGTERM)))
    return out


@pytest.fixture
def state(tmp_path, stopped):
    shutil.copytree(stopped, tmp_path / "out")
    return tmp_path / "out" / "baseline.resume.pt"


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        load_state(path)
    message = str(caught.value)
    assert message == f"{path} is damaged, or of another version; remove it or choose another --out."


def test_a_flipped_bit_is_noticed_or_does_no_harm(state, fp32):
    """Of the members' contents always; what lies between them may not matter to what is read."""
    content, random_places = state.read_bytes(), random.Random(0)
    before, harmless = load_state(state), 0
    for _ in range(FLIPS):
        place = random_places.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << random_places.randrange(8)
        state.write_bytes(flipped)
        try:
            after = load_state(state)
        except CheckpointError:
            continue
        harmless += 1
        assert all(torch.equal(value, after.model[key]) for key, value in before.model.items())
        assert (after.history, after.totals, after.training) == (
            before.history,
            before.totals,
            before.training,
        )
    assert harmless < FLIPS / 4
    state.write_bytes(content)
    tiny.run(state.parent, resume=True)
    same(state.parent, fp32[0])


@pytest.mark.parametrize("key", ["training", "seed", "model", "optimizer", "history", "totals"])
def test_a_missing_key(state, key):
    document = torch.load(state, weights_only=True)
    del document[key]
    torch.save(document, state)
    refused(state)


@pytest.mark.parametrize("value", [None, 3, "text", [[1]], {"a": {"b": torch.ones(2)}}, torch.ones(2), 2**70])
@pytest.mark.parametrize("key", ["training", "model", "history", "totals"])
def test_an_odd_value(state, key, value):
    document = torch.load(state, weights_only=True)
    document[key] = value
    torch.save(document, state)
    refused(state)


@pytest.mark.parametrize("key", ["sums", "images", "steps", "seconds"])
@pytest.mark.parametrize("value", [None, "text", -1, [1], torch.ones(2)])
def test_odd_totals(state, key, value):
    document = torch.load(state, weights_only=True)
    document["totals"][key] = value
    torch.save(document, state)
    refused(state)


ODD_SUMS = {
    "no tensor": lambda sums: sums[0].update(momentum_buffer=0.5),
    "another shape": lambda sums: sums[0].update(momentum_buffer=torch.zeros(2)),
    "not finite": lambda sums: sums[0]["momentum_buffer"].fill_(float("nan")),
    "another optimizer's": lambda sums: sums[0].update(exp_avg=torch.zeros(2)),
    "none": lambda sums: sums[0].clear(),
    "of no weight": lambda sums: sums.update({10**6: sums[0]}),
    "of a weight with a name": lambda sums: sums.update({"fc": sums[0]}),
}


@pytest.mark.parametrize("kind", ODD_SUMS)
def test_odd_sums_of_the_optimizer(state, kind):
    """They would fail in the next step, or spoil the network."""
    document = torch.load(state, weights_only=True)
    ODD_SUMS[kind](document["optimizer"]["state"])
    torch.save(document, state)
    assert "is damaged" in fault(CheckpointError, state.parent, resume=True)


def test_odd_settings_of_the_optimizer_are_not_those_of_the_recipe(state, fp32):
    document = torch.load(state, weights_only=True)
    for group in document["optimizer"]["param_groups"]:
        group.update(momentum="x", weight_decay=torch.ones(2), nesterov=7)
    torch.save(document, state)
    tiny.run(state.parent, resume=True)
    same(state.parent, fp32[0])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_sums_of_every_optimizer_are_taken_up(tmp_path, optimizer):
    changes = {"optimizer": optimizer, "lr": 0.001, "momentum": 0.0 if optimizer == "sgd" else 0.9}
    tiny.run(tmp_path / "whole", ("none",), changes=changes)
    stop = tiny.First(loss=lambda call, *_: signal.raise_signal(signal.SIGTERM) if call == 3 else None)
    with pytest.raises(signals.Interrupted):
        tiny.run(tmp_path / "out", ("none",), changes=changes, task=stop)
    tiny.run(tmp_path / "out", ("none",), changes=changes, resume=True)
    ones, others = (
        torch.load(tmp_path / name / "baseline.pt", weights_only=True)["model"] for name in ("whole", "out")
    )
    assert all(torch.equal(value, others[key]) for key, value in ones.items())


def odd(state, seed):
    """An odd state is gone on from or refused in one line, and nothing is added but what a run writes."""
    draw = random.Random(seed)
    document = changed(torch.load(state, weights_only=True), draw)
    with suppress(NotImplementedError):  # where such a file cannot be written
        torch.save(document, state)
    try:
        load_state(state)
        tiny.run(state.parent, ("none",), resume=True)
    except RgavizError as error:
        message = str(error).replace(str(state.parent), "")
        assert message.isprintable()
        assert len(message) <= 300
    assert {path.name for path in state.parent.iterdir()} <= {
        "baseline.pt",
        "baseline.resume.pt",
        "metrics.csv",
    }


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(n, marks=pytest.mark.slow) for n in range(8, 320))]
)
def test_a_seeded_odd_state(state, seed):
    began = time.process_time()
    odd(state, seed)
    assert time.process_time() - began < 20


def test_the_state_of_another_network(state):
    document = torch.load(state, weights_only=True)
    document["model"].pop("fc.bias")
    torch.save(document, state)
    assert str(state) in fault(CheckpointError, state.parent, resume=True)


def test_a_checkpoint_in_its_place(state, fp32):
    state.write_bytes((fp32[0] / "baseline.pt").read_bytes())
    refused(state)


def test_a_pipe_in_its_place(state):
    state.unlink()
    os.mkfifo(state)
    refused(state)
