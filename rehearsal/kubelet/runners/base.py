# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a runner gets, and what it answers."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kubelet.env import command_line
from rehearsal.kubelet.rootplan import HOST, Mount

Obj = dict[str, Any]
PACKAGE = Path(__file__).resolve().parent.parent.parent
SHIMS = PACKAGE / "shims"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRIVATE = "/.rehearsal"  # where a container finds what no image has
# The interpreter without its virtual environment: a shim or a test client has the standard library only
PYTHON = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


@dataclass(frozen=True)
class Context:
    pod: Obj
    container: Obj
    env: dict[str, str]
    pod_ip: str
    state: Path
    binaries: dict[str, str]  # name -> path, from the settings
    delay: Callable[[str, float], float]  # named delay (seconds at this speed), with its default
    scenario: Obj
    rdma: list[Obj] = field(default_factory=list)  # the node's NICs whose RDMA device the container was given
    driver_parameters: Callable[[], str] = str  # those that the node's NVIDIA driver was loaded with; asked for only where they matter

    @property
    def image(self) -> str:
        return str(self.container.get("image", ""))

    def command(self, entrypoint: list[str]) -> list[str]:
        return command_line(self.container, self.env, entrypoint)

    def binary(self, name: str) -> str:
        path = self.binaries.get(name)
        if not path or not os.path.exists(path):
            raise RehearsalError(f"the program '{name}' is missing", self.image, f"settings give {path or 'no path'}",
                                 "Run 'python -m rehearsal build'")
        return os.path.realpath(path)  # a container sees the host's root elsewhere, so absolute links on the way would lead nowhere


@dataclass
class Launch:
    """How a container's process starts. Paths on the left are the container's, on the right the host's."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)  # the image's own variables: the pod's win over them
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, int]] = field(default_factory=dict)  # path -> (text, mode)
    mounts: list[Mount] = field(default_factory=list)


def python_links() -> dict[str, str]:
    """Links that make the interpreter's own libraries visible where it looks for them."""
    prefix = os.path.realpath(sys.base_prefix)
    return {} if prefix in ("/usr", "/usr/local") else {prefix: prefix}


def python_shim(module: str, *arguments: str) -> str:
    """Shell words that run ``main`` of one of the shims (standard library only, isolated from the pod's environment)."""
    code = f"import sys; sys.path.insert(0, {HOST + str(PACKAGE.parent)!r}); from rehearsal.shims.{module} import main; sys.exit(main(sys.argv[1:]))"
    return shlex.join([HOST + PYTHON, "-I", "-S", "-c", code, *arguments])


def script(command: str) -> tuple[str, int]:
    """An executable file that runs a command with all its own arguments."""
    return f'#!/bin/sh\nexec {command} "$@"\n', 0o755
