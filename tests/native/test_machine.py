"""Cores and quotas, targets, names."""

from __future__ import annotations

from pathlib import Path

import pytest

from convc.native.cores import _quotas, available_threads
from convc.native.target import generic, native
from convc.plan.names import c_name


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, []),
        ({"proc/self/cgroup": "0::/\n"}, []),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, []),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "350000 100000\n"}, [3]),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, [1]),
        (
            {
                "proc/self/cgroup": "0::/user/job\n",
                "sys/fs/cgroup/user/job/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/user/cpu.max": "200000 100000\n",
            },
            [4, 2],
        ),
        ({"proc/self/cgroup": "0::/../elsewhere\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, [2]),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/job\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            [2],
        ),
    ],
)
def test_quotas(tmp_path: Path, files: dict[str, str], wanted: list[int]) -> None:
    assert list(_quotas(tree(tmp_path, files))) == wanted


def test_available_threads() -> None:
    assert available_threads() >= 1


def test_targets() -> None:
    assert generic().flags == ()
    assert native().lanes in (4, 8, 16)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lenet5", "lenet5"),
        ("se_resnet50", "se_resnet50"),
        ("a.b", "a_b"),
        ("größe", "gr__e"),
        ("5x", "net_5x"),
        ("_x", "net_x"),
        ("convc", "convc_net"),
        ("weights", "weights_net"),
        ("x" * 100, "x" * 64),
    ],
)
def test_c_name(name: str, wanted: str) -> None:
    assert c_name(name) == wanted
