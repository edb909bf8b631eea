from __future__ import annotations

from collections import Counter

import pytest
import torch

from rgaviz.data.order import epoch_generator, identities, share, shuffled, steps_per_epoch
from rgaviz.errors import RgavizError


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


COUNTS = [1, 2, 3, 4, 5, 9, 16, 16, 16, 16]


def people(counts=COUNTS):
    """Labels of so many images of each identity, mixed."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(5))]


def test_batches_of_identities():
    labels, seen, images = people(), Counter(), set()
    for epoch in range(10):
        batches = identities(labels, 16, 4, epoch_generator(3, epoch))
        assert [len(batch) for batch in batches] == [16, 16]
        found = labels[torch.cat(batches)].view(8, 4)
        assert (found == found[:, :1]).all()  # the images of an identity stand together
        once = found[:, 0].tolist()
        assert len(set(once)) == 8
        seen.update(once)
        images.update(torch.cat(batches).tolist())
        for group in torch.cat(batches).view(8, 4):
            count = COUNTS[int(labels[group[0]])]
            times = group.unique(return_counts=True)[1]
            assert len(times) == min(count, 4)  # all, or four different ones
            assert times.max() - times.min() <= 1
    assert len(seen) == 10  # none is starved
    assert min(seen.values()) >= 4
    assert len(images) > 60  # of 88: an identity's images change


def test_epochs_of_identities_are_drawn_from_the_generator_alone():
    one, same, other = (identities(people(), 16, 4, epoch_generator(3, epoch)) for epoch in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_share_whole_identities(processes):
    labels = people()
    for batch in identities(labels, 16, 4, epoch_generator(0, 0)):
        shares = [labels[share(batch, rank, processes)] for rank in range(processes)]
        assert {len(each) for each in shares} == {16 // processes}
        sets = [set(each.tolist()) for each in shares]
        assert sum(map(len, sets)) == len(set.union(*sets)) == 4


def test_what_makes_no_batch_of_identities_is_refused():
    with pytest.raises(
        RgavizError, match=r"batch_size = 18 is no multiple of train\.images_per_identity = 4"
    ):
        identities(people(), 18, 4, epoch_generator(0, 0))
    with pytest.raises(
        RgavizError, match=r"16 identities cannot be made of 10; try --set train\.batch_size=40"
    ):
        identities(people(), 64, 4, epoch_generator(0, 0))
