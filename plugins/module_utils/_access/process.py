# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run's process still lives, told from the same machine only. Linux; elsewhere nothing is known."""

from __future__ import annotations

import os


def machine() -> str:
    """Boot id and pid namespace: equal values see the same processes. Empty where the system has none of it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return f"{stream.read().strip()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def describe(pid: int) -> str:
    """ "pid:start time" (clock ticks since boot), so that a reused pid isn't taken for the old process."""
    started = _started(pid)
    return f"{pid}:{started}" if started else ""


def alive(process: str, of_machine: str) -> bool | None:
    """True or False for a process of this machine; None when it runs elsewhere or can't be looked at."""
    here = machine()
    pid, _colon, started = process.partition(":")
    if not here or here != of_machine or not pid.isdigit() or not started:
        return None
    return _started(int(pid)) == started


def _started(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            # The command in parentheses may hold anything; the fields behind it are fixed (proc(5): starttime is 22nd).
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]
