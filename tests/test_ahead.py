from __future__ import annotations

import threading
import time

import pytest

from rgaviz.ahead import ahead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    def slow(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(ahead(slow, range(20), workers)) == [item * item for item in range(20)]
    assert list(ahead(slow, [], workers)) == []


@pytest.mark.parametrize(("most", "expected"), [(None, 3), (1, 2), (7, 7)])
def test_only_some_are_begun_before_they_are_asked_for(most, expected):
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    found = ahead(lambda item: item, items(), 2, most)
    for number in range(20):
        assert next(found) == number
        assert len(taken) == number + 1 + expected
    found.close()
    assert len(taken) == 20 + expected


def test_an_error_is_raised_where_its_item_is_due():
    def work(item):
        if item == 3:
            raise ValueError("three")
        return item

    found = ahead(work, range(50), 2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)


def test_who_stops_asking_stops_the_threads():
    before = threading.active_count()
    found = ahead(lambda item: item, range(1000), 3)
    next(found)
    assert threading.active_count() > before
    found.close()
    assert threading.active_count() == before
