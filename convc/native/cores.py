"""How many cores this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available_threads() -> int:
    """The cores of this process's affinity, cut to the quota of its cgroups; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(Path("/"))]))


def _quotas(root: Path) -> Iterator[int]:
    """Whole cores of every CPU quota over this process, its own group's and those of the groups around it."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        v2 = not controllers
        if not v2 and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        for group in _upwards(mount, path):
            limit = _limit_v2(group) if v2 else _limit_v1(group)
            if limit is not None:
                yield limit


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The group's folder and those above it. Inside a container the path may not exist; its root is the mount."""
    inside = PurePosixPath(path.lstrip("/"))
    yield from (mount / group for group in (inside, *inside.parents) if ".." not in group.parts)


def _limit_v2(group: Path) -> int | None:
    try:
        limit, period = (group / "cpu.max").read_text().split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # the limit may be "max"
        return None


def _limit_v1(group: Path) -> int | None:
    try:
        limit = int((group / "cpu.cfs_quota_us").read_text())
        return max(1, limit // int((group / "cpu.cfs_period_us").read_text())) if limit > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
