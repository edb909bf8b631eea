from __future__ import annotations

import pytest
import torch

from rgaviz.data.order import epoch_generator, share, shuffled, steps_per_epoch


def test_the_generator_depends_on_seed_and_epoch_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    once = epoch_generator(5, 2)
    assert torch.equal(once.get_state(), torch.Generator().manual_seed(5 * 1_000_003 + 2).get_state())
    assert torch.equal(state, torch.get_rng_state())  # nothing comes from the global generator
    others = {tuple(epoch_generator(*each).get_state().tolist()) for each in ((5, 2), (5, 3), (6, 2))}
    assert len(others) == 3


@pytest.mark.parametrize(
    ("count", "size", "steps"), [(23, 6, 3), (24, 6, 4), (6, 6, 1), (4, 100, 1), (5, 1, 5)]
)
def test_whole_batches_of_a_permutation(count, size, steps):
    batches = shuffled(count, size, epoch_generator(1, 0))
    permutation = torch.randperm(count, generator=epoch_generator(1, 0)).tolist()
    used = min(count, steps * size)
    assert [index for batch in batches for index in batch.tolist()] == permutation[:used]
    assert [len(batch) for batch in batches] == [min(size, count)] * steps
    assert steps_per_epoch(range(count), size) == steps


@pytest.mark.parametrize("count", [12, 13, 2])
@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_shares_follow_each_other_and_are_alike(count, processes):
    batch = torch.arange(count * 2).view(count, 2) * 7  # (count, 2)
    shares = [share(batch, rank, processes) for rank in range(processes)]
    assert torch.equal(torch.cat(shares), batch)
    sizes = [len(each) for each in shares]
    assert max(sizes) - min(sizes) <= (0 if count % processes == 0 else 1)
