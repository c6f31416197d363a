# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of this run. Controller side: needs the operating system."""

from __future__ import annotations

import getpass
import os
import socket

from . import lease


def run_pid() -> int:
    """The process id of ansible-playbook, the same in all tasks of a run.

    Action plugins run in a worker that Ansible forks from that process for each task.
    """
    return os.getppid()


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
