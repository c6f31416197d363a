# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things live on disk: the cache that may be thrown away, and the state of each rehearsal."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rehearsal.errors import BAD_INPUT, RehearsalError

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def _home(variable: str, xdg: str, fallback: str) -> Path:
    if os.environ.get(variable):
        return Path(os.environ[variable]).absolute()
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / fallback).absolute() / "llmd-openshift"


def cache_dir() -> Path:
    """Binaries, parsed CRDs, prepared etcd data: everything here can be made again."""
    return _home("LLMD_CACHE", "XDG_CACHE_HOME", ".cache")


def state_root() -> Path:
    """The folder that holds one folder per rehearsal."""
    return _home("LLMD_STATE", "XDG_STATE_HOME", ".local/state") / "rehearsal"


def check_name(name: str) -> str:
    """Return ``name`` when it can be the name of a rehearsal (it becomes a folder), else raise."""
    if not NAME.fullmatch(name):
        raise RehearsalError(
            f"'{name}' can't be the name of a rehearsal",
            why="it becomes a folder name",
            todo="Use lower-case letters, digits and '-' (at most 32)",
            code=BAD_INPUT,
        )
    return name


def state_dir(name: str) -> Path:
    return state_root() / check_name(name)
