"""CPU time and memory of a process and all its descendants, from /proc (Linux)."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """The process and its descendants."""
    parents = {int(path.name): fields[1] for path in Path("/proc").glob("[0-9]*") if (fields := _stat(path))}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if int(parent) == pid]
    return found


def cpu_seconds(root: int) -> float:
    """User and system time so far, that of children which have ended included."""
    stats = [_stat(Path(f"/proc/{pid}")) for pid in tree(root)]
    return sum(sum(int(field) for field in stat[11:15]) for stat in stats if stat) / TICKS


def memory_mb(root: int) -> float:
    """Proportional set size in MB: pages that processes share are counted once."""
    return sum(_pss_kb(pid) for pid in tree(root)) / 1024


def _stat(path: Path) -> list[str]:
    """The fields of /proc/<pid>/stat from the third, the state, on; empty if the process is gone."""
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
