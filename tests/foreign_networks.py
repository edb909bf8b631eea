"""What tests of networks from elsewhere share."""

from __future__ import annotations

import pytest


def refused(error, function, *arguments, **options):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)
