"""Cores and memory of a container, as cgroups of both versions tell them; the slots that follow."""

import os
from pathlib import Path
from typing import Any

import pytest

from backend import environment
from backend.machine import available_cores, available_memory

GIB = 1 << 30


def machine(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    """A root folder with what /proc and /sys say of it."""
    for name, text in {"proc/self/cgroup": cgroup, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files", "memory"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": "1073741824\n"}, GIB),
        ("0::/\n", {"sys/fs/cgroup/memory.max": "max\n"}, None),
        ("0::/\n", {}, None),
        (
            "0::/a.slice/b\n",
            {
                "sys/fs/cgroup/a.slice/memory.max": f"{GIB // 2}",
                "sys/fs/cgroup/a.slice/b/memory.max": f"{GIB}",
            },
            GIB // 2,
        ),
        (
            "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n",
            {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}"},
            GIB,
        ),
        (
            "4:memory:/job\n",
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{GIB}",
            },
            GIB,
        ),
    ],
)
def test_memory_is_the_lowest_limit(
    tmp_path: Path, cgroup: str, files: dict[str, str], memory: int | None
) -> None:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert available_memory(machine(tmp_path, cgroup, files)) == (memory or whole)


@pytest.mark.parametrize(
    ("cgroup", "files"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "100000 100000\n"}),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "20000 100000\n"}),
        (
            "5:cpu:/x\n",
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"},
        ),
    ],
)
def test_cores_are_the_quota(tmp_path: Path, cgroup: str, files: dict[str, str]) -> None:
    assert available_cores(machine(tmp_path, cgroup, files)) == 1


def test_no_quota_leaves_all_cores(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}
    assert available_cores(machine(tmp_path, "5:cpu:/x\n", files)) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("gib", "cores", "pixels", "slots"),
    [
        (24, 2, 50, 2),
        (24, 64, 50, 31),
        (3, 2, 50, 2),
        (2, 2, 50, 1),
        (1, 8, 50, 1),
        (2, 2, 12, 2),
        (4, 8, 50, 4),
    ],
)
def test_slots_follow_from_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, gib: float, cores: int, pixels: int, slots: int
) -> None:
    monkeypatch.setattr(environment, "available_memory", lambda: gib * GIB)
    monkeypatch.setattr(environment, "available_cores", lambda: cores)
    given: dict[str, Any] = {"WORKERS": 2, "INFERENCE_THREADS": 1, "MAX_IMAGE_PIXELS": pixels * 1_000_000}
    assert environment.slots({**given, "MAX_BYTES_IN_FLIGHT": 256 << 20}) == slots
