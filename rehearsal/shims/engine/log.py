# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in vLLM's form: ``(EngineCore_DP0 pid=7) INFO 11-24 18:00:00 [file.py:1] text``."""

from __future__ import annotations

import os
import time

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def say(text: str, where: str, who: str = "APIServer", level: str = "INFO") -> None:
    """One line on stdout, unless VLLM_LOGGING_LEVEL is above it."""
    wanted = os.environ.get("VLLM_LOGGING_LEVEL", "INFO").upper()
    if level in LEVELS and LEVELS.index(level) < (LEVELS.index(wanted) if wanted in LEVELS else 1):
        return
    print(f"({who} pid={os.getpid()}) {level} {time.strftime('%m-%d %H:%M:%S')} [{where}] {text}", flush=True)


def engine_name(rank: int) -> str:
    return f"EngineCore_DP{rank}"
