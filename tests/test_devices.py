from __future__ import annotations

import os
import platform
import subprocess
import sys

import psutil
import pytest
import torch

from rgaviz import devices
from rgaviz.devices import available_memory, choose_device, choose_precision
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
import resource, torch
from rgaviz.devices import keep_freed_memory
def faults(uses):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(uses):
        torch.ones(16 << 20)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
default = faults(5)
keep_freed_memory()
faults(20)  # the first take memory from the system, until small objects no longer lie in the way
print(default, faults(5))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands freed memory back")
@pytest.mark.slow
def test_freed_memory_is_kept():
    # Another allocator, or huge pages, would have other faults.
    plain = {
        name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "GLIBC_TUNABLES")
    }
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True, env=plain
    )
    default, kept = map(int, done.stdout.split())
    assert kept < default / 4


@pytest.mark.parametrize(("platform", "library"), [("darwin", None), ("linux", lambda _: object())])
def test_without_glibc_nothing_happens(monkeypatch, platform, library):
    monkeypatch.setattr(devices.sys, "platform", platform)
    monkeypatch.setattr(devices.ctypes, "CDLL", library)
    devices.keep_freed_memory()


def test_available_memory_is_within_a_containers_limit(monkeypatch, tmp_path):
    cpu, used = torch.device("cpu"), psutil.Process().memory_info().rss
    free = available_memory(cpu)
    assert free > 2**20
    absent, unlimited, limited = (tmp_path / name for name in ("absent", "unlimited", "limited"))
    unlimited.write_text("max\n")
    limited.write_text(f"{used + 1000}\n")
    monkeypatch.setattr(devices, "CONTAINER_LIMITS", (absent, unlimited))
    assert available_memory(cpu) > 2**20
    monkeypatch.setattr(devices, "CONTAINER_LIMITS", (absent, unlimited, limited))
    assert available_memory(cpu) < 2**22 < free
