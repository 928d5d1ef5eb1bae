"""What machine this is, and how much of it this process may use."""

from __future__ import annotations

import os
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


def _cpu_features() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def available_threads() -> int:
    """Cores this process may use: its affinity, cut to the cgroup's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_cores()
    return max(1, min(cores, quota) if quota else cores)


def _cgroup_cores() -> int | None:
    """Whole cores of the CPU quota, cgroup v2 or v1; None where there is no quota."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            folder = Path("/sys/fs/cgroup/cpu")
            limit, period = (folder / "cpu.cfs_quota_us").read_text(), (folder / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        return max(1, int(limit) // int(period)) if int(limit) > 0 else None
    except ValueError:  # "max"
        return None
