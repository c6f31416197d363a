# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of this run. Controller side: needs the operating system."""

from __future__ import annotations

import ctypes
import getpass
import multiprocessing
import os
import signal
import socket

from . import lease

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def run_pid() -> int:
    """The process id of ansible-playbook, the same in all tasks of a run, also after its death.

    Action plugins run in a worker that Ansible forks from that process for each task. An orphan's parent is another
    process (mostly 1, which never ends: a lock in its name would be held by nobody), so it is what the fork remembers that counts.
    """
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getppid()


def outlived() -> bool:
    """Whether this worker is an orphan: its run was killed, and another may already be at work."""
    return os.getppid() != run_pid()


def end_with_run() -> None:
    """Lets the kernel end this worker when its run is killed. Without effect outside a worker and outside Linux.

    ansible-core 2.19 and newer put workers into sessions of their own, so a signal to the run's process group doesn't
    reach them: they would go on writing to a cluster that the next run has locked, and then wait for ever for a reader of their result.
    """
    if multiprocessing.parent_process() is None:
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    except (AttributeError, OSError):  # not Linux
        return
    if outlived():  # it was killed before the kernel knew
        os._exit(1)


def holder_name() -> str:
    """ "user@host:pid" of this run."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{run_pid()}"


def holder() -> lease.Holder:
    """This run as holder of the lock, for `lock.Renewal` in action plugins."""
    return lease.Holder(holder_name())
