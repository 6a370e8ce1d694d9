"""What this process may use of the machine, the limits of a container included (cgroup v1 and v2)."""

import os
from collections.abc import Iterator
from pathlib import Path


def available_cores(root: Path = Path("/")) -> int:
    """CPU cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = []
    for folder in _cgroups(root, "cpu"):
        try:
            if (folder / "cpu.max").exists():
                quota, period = map(int, (folder / "cpu.max").read_text().split())
            else:
                quota = int((folder / "cpu.cfs_quota_us").read_text())
                period = int((folder / "cpu.cfs_period_us").read_text())
        except (OSError, ValueError):  # no quota: the file is missing, or says "max"
            continue
        if quota > 0:
            quotas.append(max(1, round(quota / period)))
    return min([cores, *quotas])


def available_memory(root: Path = Path("/")) -> int:
    """Bytes of memory."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in _cgroups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                limits.append(int((folder / name).read_text()))
            except (OSError, ValueError):
                continue
    return min(limits)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroups and those above them, which limit it as well.

    A container sees its own one at the top, wherever /proc says that it is.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controllers and controller)
        own = base / path.lstrip("/")
        yield from (own, *(folder for folder in own.parents if folder.is_relative_to(base)))
