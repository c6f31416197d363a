# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux namespaces that hold a rehearsal: who may make them, and how they are furnished.

Everything inside has its own process ids, mounts and network; for an ordinary user a user namespace is added, in which
he is root. When process 1 of the sandbox ends, the kernel ends all the others and drops mounts and networks with them.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from rehearsal.errors import RehearsalError

BRIDGE = "br0"
BRIDGE_ADDRESS = "10.244.0.1"
API_ADDRESS = "10.96.0.1"
SERVICE_CIDR = "10.96.0.0/16"

WAYS_OUT = (
    "Use a Linux machine, virtual machine or container that allows namespaces, or run the playbooks against any existing "
    "cluster by its kubeconfig"
)
PROBE = "mount -t tmpfs tmpfs /run && ip link set lo up && ip link add {bridge} type bridge && ip netns add probe"


def command() -> list[str]:
    """The command prefix that puts a program into a fresh sandbox, as process 1."""
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return unshare if os.geteuid() == 0 else [*unshare, "--user", "--map-root-user"]


def check() -> None:
    """Raise RehearsalError when this machine or this user can't have a sandbox."""
    if platform.system() != "Linux":
        raise RehearsalError("the rehearsal needs Linux", platform.system(), "it is made of Linux namespaces", WAYS_OUT)
    missing = [name for name in ("unshare", "mount", "ip", "nsenter") if not shutil.which(name)]
    if missing:
        raise RehearsalError(
            "programs are missing",
            ", ".join(missing),
            "namespaces are made with them",
            "Install the packages util-linux and iproute2 (iproute on Red Hat)",
        )
    done = subprocess.run(
        [*command(), "sh", "-c", PROBE.format(bridge=BRIDGE)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RehearsalError(
            "namespaces are refused", _who(), " ".join(done.stderr.split()) or "no reason given", _advice()
        )


def check_folder(folder: Path, what: str) -> None:
    """Folders under /run are hidden inside the sandbox (it gets a /run of its own)."""
    real = folder.resolve()
    if real == Path("/run") or Path("/run") in real.parents:
        raise RehearsalError(
            f"{what} can't be under /run",
            str(folder),
            "the sandbox has its own /run",
            "Set LLMD_STATE and LLMD_CACHE to folders elsewhere",
            code=2,
        )


def furnish(node_addresses: list[str]) -> None:
    """Inside, as process 1: a private /run, and the network: loopback, a bridge, the addresses of API and nodes.

    All nodes are this one machine: each address is one more address of the bridge, so that the API server reaches the
    process kubelet (``kubectl logs``) by any node's address.
    """
    _do("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    Path("/run/netns").mkdir()
    _do("ip", "link", "set", "lo", "up")
    _do("ip", "link", "add", BRIDGE, "type", "bridge")
    _do("ip", "addr", "add", f"{BRIDGE_ADDRESS}/16", "dev", BRIDGE)
    orders = [f"addr add {address}/32 dev {BRIDGE}" for address in sorted({API_ADDRESS, *node_addresses} - {BRIDGE_ADDRESS})]
    _do("ip", "-batch", "-", stdin="\n".join(orders))  # one process also for a thousand nodes
    _do("ip", "link", "set", BRIDGE, "up")


def _do(*argv: str, stdin: str | None = None) -> None:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RehearsalError(f"'{' '.join(argv)}' failed", "sandbox", " ".join(done.stderr.split()), WAYS_OUT)


def _who() -> str:
    return "root" if os.geteuid() == 0 else f"user id {os.geteuid()}"


def _advice() -> str:
    if os.geteuid() == 0:
        return f"In a container: start it with --privileged (or CAP_SYS_ADMIN and CAP_NET_ADMIN). {WAYS_OUT}"
    hints = []
    for knob, bad, good in (
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ):
        path = Path("/proc/sys") / knob
        if path.exists() and path.read_text(encoding="ascii").strip() == bad:
            hints.append(good)
    fix = f"Ask an administrator for '{' && '.join(hints)}', or run as root" if hints else "Run as root"
    return f"{fix}. {WAYS_OUT}"
