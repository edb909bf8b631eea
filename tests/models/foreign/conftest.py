"""What tests of networks from elsewhere share."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
import torch


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """Empty caches and no network; returns the folder where torch keeps downloads."""

    def no_network(*_, **__):
        raise urllib.error.URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    return tmp_path / "torch" / "hub" / "checkpoints"
