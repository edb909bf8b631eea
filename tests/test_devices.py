from __future__ import annotations

import platform
import resource
import subprocess
import sys

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


FAULTS = """
import resource, sys, torch
from rgaviz.devices import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for use in range(40):
    if use == 20:  # the first take memory from the system, until small objects no longer lie in the way
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 << 20)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands freed memory back")
def test_freed_memory_is_kept():
    faults = {}
    for memory in ("kept", "default"):
        command = [sys.executable, "-c", FAULTS, memory]
        faults[memory] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    mapped = 20 * (64 << 20) // resource.getpagesize()
    assert faults["default"] > mapped // 2
    assert faults["kept"] < mapped // 4


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(devices.sys, "platform", "darwin")
    monkeypatch.setattr(devices.ctypes, "CDLL", None)
    devices.keep_freed_memory()
