from __future__ import annotations

import pytest
import torch

from rgaviz import devices
from rgaviz.devices import choose_device, choose_precision
from rgaviz.errors import RgavizError, UnknownNameError


def have(monkeypatch, *names):
    for name in ("cuda", "mps"):
        monkeypatch.setitem(devices.DEVICES, name, lambda name=name: name in names)


@pytest.mark.parametrize(
    ("present", "best"),
    [((), "cpu"), (("cuda",), "cuda"), (("mps",), "mps"), (("cuda", "mps"), "cuda")],
)
def test_auto_takes_the_fastest(monkeypatch, present, best):
    have(monkeypatch, *present)
    assert choose_device() == torch.device(best)
    assert choose_device("auto") == torch.device(best)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_an_absent_device_is_refused(monkeypatch, name):
    have(monkeypatch)
    with pytest.raises(RgavizError, match=f"no {name} device.*--device") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)
    have(monkeypatch, name)
    assert choose_device(name) == torch.device(name)


def test_an_unknown_device(monkeypatch):
    with pytest.raises(UnknownNameError, match="Did you mean 'cuda'"):
        choose_device("cudda")


def test_precision(monkeypatch):
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu) == torch.float32
    assert choose_precision("bf16", cpu) == torch.bfloat16
    for supported, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda answer=supported: answer)
        assert choose_precision("auto", cpu) == wanted
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert choose_precision("auto", cpu) == torch.float32
    assert choose_precision("auto", torch.device("mps")) == torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
    assert choose_precision("auto", torch.device("cuda")) == torch.bfloat16
    with pytest.raises(UnknownNameError, match="fp16"):
        choose_precision("fp16", cpu)
