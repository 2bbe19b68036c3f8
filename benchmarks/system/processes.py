"""What processes cost: resident memory and processor time, with all their children. Linux, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_mib(groups: Iterable[int]) -> float:
    """Sum over the process groups. Shared pages count in each process."""
    return sum(int(fields[21]) for fields in _members(frozenset(groups))) * _PAGE / 2**20


def processor_s(groups: Iterable[int]) -> float:
    """User and system time of the groups so far, without children that have ended."""
    return sum(int(fields[11]) + int(fields[12]) for fields in _members(frozenset(groups))) / _TICKS


def _members(groups: frozenset[int]) -> Iterator[list[str]]:
    """Fields of `/proc/PID/stat` from the state on, of every process in the groups."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[2]) in groups:
            yield fields
