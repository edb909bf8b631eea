"""Choices of a measurement, checked before a network says what it is for."""

from __future__ import annotations

import pytest

from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.tasks import TASKS
from rgaviz.tasks.choices import check_choices

GOOD = [
    {},
    {"distance": "euclidean", "flip": True},
    {"part": "test", "window": 769, "stride": 513},
    {"flip": True},
]


@pytest.mark.parametrize("choices", GOOD)
def test_what_one_task_can_have(choices):
    check_choices(TASKS.values(), choices)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"distance": "far"}, "Unknown distance 'far'"),
        ({"window": 5, "stride": 9}, "do not cover"),
        ({"distance": "cosine", "window": 5}, "distance and window are choices of several tasks"),
    ],
)
def test_what_no_task_can_have(choices, words):
    with pytest.raises(RgavizError, match=words):
        check_choices(TASKS.values(), choices)


def test_a_name_that_is_no_choice():
    with pytest.raises(UnknownNameError, match=r"'windw'.*Did you mean 'window'"):
        check_choices(TASKS.values(), {"windw": 5})


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_task_knows_its_own_choices(task):
    for name in {name for each in TASKS.values() for name in each.choices} - set(task.choices):
        with pytest.raises(RgavizError, match=name):
            task.measuring(**{name: "x"})
