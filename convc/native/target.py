"""What machine this is."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from convc.options import Target

#: AVX-512 features a kernel may use, as the kernel names them in /proc/cpuinfo and as compilers spell them.
_AVX512 = {"avx512f": "-mavx512f", "avx512vl": "-mavx512vl", "avx512bw": "-mavx512bw", "avx512dq": "-mavx512dq"}


def generic() -> Target:
    """Plain C in vectors of four: SSE2 on any x86-64, NEON on any 64-bit Arm."""
    return Target("generic", 4, 16)


@cache
def native() -> Target:
    """This machine."""
    features = _cpu_features()
    if features.issuperset(_AVX512):
        # Compilers older than the machine may resolve -march=native to less than it has, so features are named.
        flags = ("-march=native", *_AVX512.values(), "-mfma", "-mprefer-vector-width=512")
        return Target("native", 16, 32, flags)
    if {"avx2", "fma"} <= features:
        return Target("native", 8, 16, ("-march=native", "-mavx2", "-mfma"))
    if platform.machine() in ("aarch64", "arm64"):
        return Target("native", 4, 32, ("-mcpu=native",))
    return Target("native", 4, 16)


@cache
def machine() -> str:
    """What `-march=native` may depend on: builds for this machine are kept apart from another's in a shared cache."""
    info = _cpu_info()
    words = [info.get(key, "") for key in ("vendor_id", "cpu family", "model", "stepping", "flags", "Features")]
    return " ".join([platform.machine(), platform.processor(), *words])


def _cpu_features() -> frozenset[str]:
    return frozenset(_cpu_info().get("flags", "").split())


def _cpu_info() -> dict[str, str]:
    """The first core's lines of /proc/cpuinfo; empty where there is none."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}

