# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the root folder of a container is made of (pure: a plan in, a plan out).

There are no image layers here. A container's root is a fresh tmpfs whose entries are links to the host's own programs
under ``/.host`` (the host root, read-only) plus the pod's mounts. Links cost nothing and, unlike overlayfs, work in every
user namespace. Where a mount lies inside a linked folder (``/etc/ssl/certs``), that folder is opened up: it becomes a
folder of links, one an entry, so that the rest of it stays visible.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HOST = "/.host"
# The host's folders that hold programs; nothing else of the host is at its place in a container.
PROGRAMS = ("bin", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "sbin", "usr")
# Folders that belong to a container and not to the machine under it: they start empty.
FRESH = ("/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/sys", "/tmp", "/var")
FRESH_BELOW = ("/var/cache", "/var/lib", "/var/log", "/var/tmp", "/run/lock", "/dev/shm", "/dev/mqueue")
DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
                "stderr": "/proc/self/fd/2"}
MAX_LINKS = 40

# (name, link target or None) of every entry of a host folder; None when there is no such folder
Lister = Callable[[str], "list[tuple[str, str | None]] | None"]


@dataclass(frozen=True)
class Mount:
    """``source`` (a host path) appears at ``target`` in the container."""

    source: str
    target: str
    directory: bool = True
    read_only: bool = False


@dataclass
class _Dir:
    children: dict[str, _Node] = field(default_factory=dict)


@dataclass
class _Link:
    target: str


@dataclass
class _File:
    text: str
    mode: int


@dataclass
class _Point:
    mount: Mount


_Node = _Dir | _Link | _File | _Point


class RootPlan:
    """Build a root, then ask ``operations`` for the steps that make it."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._root = _Dir()
        self._nested: list[Mount] = []  # mounts whose mount point lies inside another mount
        for name, link in [entry for entry in lister("/") or [] if entry[0] in PROGRAMS]:
            self._root.children[name] = _Link(link if link else f"{HOST}/{name}")
        for path in FRESH:
            self._root.children[path[1:]] = _Dir()
        self._root.children["dev"] = _devices()
        self._root.children["proc"] = _Dir()
        for path in FRESH_BELOW:
            self.folder(path)
        self.link("/var/run", "/run")

    def folder(self, path: str) -> None:
        """An empty folder, unless there is something already."""
        self._walk(path)

    def link(self, path: str, target: str) -> None:
        """A symbolic link, replacing what was there."""
        parent, name = self._parent(path)
        parent.children[name] = _Link(target)

    def host_link(self, path: str, host_path: str) -> None:
        """``path`` in the container is the host's file or folder ``host_path``."""
        self.link(path, HOST + host_path)

    def file(self, path: str, text: str, mode: int = 0o644) -> None:
        parent, name = self._parent(path)
        parent.children[name] = _File(text, mode)

    def mount(self, mount: Mount) -> None:
        """Give mounts in the order of their targets' depth: a mount inside a mount goes into the outer one."""
        found = self._parent(mount.target, nested_ok=True)
        if found is None:
            self._nested.append(mount)
        else:
            found[0].children[found[1]] = _Point(mount)

    def operations(self) -> list[dict[str, Any]]:
        """Steps in order: ``dir``, ``link``, ``file``, then ``bind`` (outer ones first)."""
        steps: list[dict[str, Any]] = []
        binds: list[Mount] = []
        _collect(self._root, "", steps, binds)
        steps.extend(
            {"op": "bind", "source": mount.source, "path": _clean(mount.target), "directory": mount.directory,
             "read_only": mount.read_only}
            for mount in [*binds, *self._nested])
        return steps

    def _parent(self, path: str, nested_ok: bool = False) -> Any:
        clean = _clean(path)
        if clean == "/":
            raise ValueError("the root itself can't be a mount point")
        folder, name = posixpath.split(clean)
        node = self._walk(folder, nested_ok)
        return None if node is None else (node, name)

    def _walk(self, path: str, nested_ok: bool = False) -> _Dir | None:
        """The folder at ``path``, made or opened up on the way; None when it lies inside a mount."""
        todo = [part for part in _clean(path).split("/") if part]
        node, here, hops = self._root, "", 0
        while todo:
            name = todo.pop(0)
            child = node.children.get(name)
            if child is None or isinstance(child, _File):
                child = node.children[name] = _Dir()
            elif isinstance(child, _Point):
                if nested_ok:
                    return None
                raise ValueError(f"{path} lies inside the mount {child.mount.target}")
            elif isinstance(child, _Link):
                opened = self._open(child)
                if opened is None:  # a link to elsewhere in the container: go there
                    hops += 1
                    if hops > MAX_LINKS:
                        raise ValueError(f"too many links on the way to {path}")
                    todo = [p for p in _clean(posixpath.join(here or "/", child.target)).split("/") if p] + todo
                    node, here = self._root, ""
                    continue
                child = node.children[name] = opened
            node, here = child, f"{here}/{name}"
        return node

    def _open(self, link: _Link) -> _Dir | None:
        """Turn a link to a host folder into a folder of links; None when the link stays inside the container."""
        if not link.target.startswith(HOST + "/"):
            return None
        host_path = link.target[len(HOST):]
        entries = self._lister(host_path)
        return _Dir({name: _Link(target if target else f"{HOST}{host_path}/{name}") for name, target in entries or []})


def _devices() -> _Dir:
    children: dict[str, _Node] = {name: _Link(f"{HOST}/dev/{name}") for name in DEVICES}
    children.update({name: _Link(target) for name, target in DEVICE_LINKS.items()})
    return _Dir(children)


def _clean(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _collect(folder: _Dir, path: str, steps: list[dict[str, Any]], binds: list[Mount]) -> None:
    for name, node in folder.children.items():
        below = f"{path}/{name}"
        if isinstance(node, _Dir):
            steps.append({"op": "dir", "path": below})
            _collect(node, below, steps, binds)
        elif isinstance(node, _Link):
            steps.append({"op": "link", "path": below, "target": node.target})
        elif isinstance(node, _File):
            steps.append({"op": "file", "path": below, "text": node.text, "mode": node.mode})
        else:
            binds.append(Mount(node.mount.source, below, node.mount.directory, node.mount.read_only))
