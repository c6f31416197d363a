# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m rehearsal.kubelet --settings FILE``: runs inside the sandbox, started by the supervisor."""

from __future__ import annotations

import argparse
import ctypes
import logging
import sys
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.kubelet.agent import Agent
from rehearsal.operators.settings import Settings

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    parser = argparse.ArgumentParser(prog="rehearsal.kubelet", description="The process kubelet of a rehearsal.")
    parser.add_argument("--settings", type=Path, required=True, help="settings.json, written by the supervisor")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Containers are started by a helper that goes away; this process inherits them, and so learns how they end.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        Agent(Settings.load(arguments.settings)).run()
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return error.code
    except (OSError, KeyError) as error:
        print(f"the kubelet can't start ({arguments.settings}): {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
