# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces of pods: one veth pair each, on the sandbox's bridge, with an address that the pod keeps for life.

The table pod -> address is kept on disk: a kubelet that starts again gives a living pod the same address (the API server
refuses another one).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import subprocess
import threading
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.sandbox import BRIDGE, BRIDGE_ADDRESS, SERVICE_CIDR

NAMESPACES = Path("/run/netns")
PREFIX = 16
FIRST = ipaddress.IPv4Address("10.244.1.1")
LAST = ipaddress.IPv4Address("10.244.254.254")
POD_RANGE = ipaddress.IPv4Network("10.244.0.0/16")


class Addresses:
    """The next free address, round robin, so that an address isn't soon used again."""

    def __init__(self, table: Path) -> None:
        self._table = table
        self._lock = threading.Lock()
        saved = json.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
        self._pods: dict[str, str] = saved.get("pods", {})
        self._next: str = saved.get("next", str(FIRST))

    def get(self, uid: str) -> str:
        """The pod's address, given at the first call. Raises RehearsalError when all are taken."""
        with self._lock:
            if uid not in self._pods:
                self._pods[uid] = self._free()
                self._save()
            return self._pods[uid]

    def release(self, uid: str) -> None:
        with self._lock:
            if self._pods.pop(uid, None):
                self._save()

    def keep_only(self, uids: set[str]) -> list[str]:
        """Forget all other pods; returns their uids."""
        with self._lock:
            gone = [uid for uid in self._pods if uid not in uids]
            for uid in gone:
                del self._pods[uid]
            if gone:
                self._save()
            return gone

    def _free(self) -> str:
        taken = set(self._pods.values())
        candidate = ipaddress.IPv4Address(self._next)
        for _ in range(int(LAST) - int(FIRST) + 1):
            found, candidate = str(candidate), FIRST if candidate >= LAST else candidate + 1
            if found not in taken and not found.endswith((".0", ".255")):
                self._next = str(candidate)
                return found
        raise RehearsalError("no pod address is free", str(self._table), f"{len(taken)} pods hold {FIRST} to {LAST}",
                             "Delete pods")

    def _save(self) -> None:
        fresh = self._table.with_suffix(".new")
        fresh.write_text(json.dumps({"next": self._next, "pods": self._pods}), encoding="utf-8")
        fresh.rename(self._table)


def short_name(uid: str) -> str:
    """A name for namespace and interface (which may have 15 characters)."""
    return hashlib.sha256(uid.encode()).hexdigest()[:10]


def create(uid: str, address: str) -> Path:
    """Make the pod's network namespace; returns the file that stands for it."""
    name = short_name(uid)
    remove(uid)
    attach(f"pod-{name}", f"v{name}", address)
    return NAMESPACES / f"pod-{name}"


def attach(namespace: str, interface: str, address: str) -> None:
    """A new namespace with loopback and eth0 on the bridge; Services' addresses are on the same wire."""
    ip("netns", "add", namespace)
    ip("link", "add", interface, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("link", "set", interface, "master", BRIDGE, "up")
    batch = [
        "link set lo up",
        f"addr add {address}/{PREFIX} dev eth0",
        "link set eth0 up",
        f"route add {SERVICE_CIDR} dev eth0",
        f"route add default via {BRIDGE_ADDRESS}",
    ]
    ip("-n", namespace, "-batch", "-", text="\n".join(batch))


def remove(uid: str) -> None:
    """Delete the namespace and its interface. Its processes must have ended: they would keep it alive."""
    name = short_name(uid)
    if (NAMESPACES / f"pod-{name}").exists():
        ip("netns", "del", f"pod-{name}", check=False)
        ip("link", "del", f"v{name}", check=False)


def ip(*arguments: str, text: str | None = None, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], input=text, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RehearsalError(f"'ip {' '.join(arguments)}' failed", "pod network", " ".join(done.stderr.split()))
