# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved states: what a running rehearsal is at one moment, kept under a name, to start others from it.

A state is the folder ``saved/<name>`` beside the rehearsals' own: ``etcd/``, ``run/`` (settings, catalogs, what stand-ins and the
process kubelet keep on disk) and ``meta.json``. etcd and the parts that write those files stand still while they are copied, so the
copy is one moment; etcd takes it as it takes its files after a power cut.

Kept from the first cluster: all objects with their uids, the cluster's certificate authority and the key that signs ServiceAccount
tokens (certificates and tokens inside of objects go on being good). New at each start: the cluster's id, ports, serving
certificates, the tokens of kubeconfigs. Real pods are started again, as after a reboot of their node, with the same addresses.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal import data, paths
from rehearsal.errors import BAD_INPUT, RehearsalError

FORMAT = 1  # raise it when what a state holds changes its meaning
CODE = (".py", ".yaml", ".json", ".mod", ".sum")
# Written anew by their owners, or of no use to a later process.
LEFT_OUT = (
    "api-target", "bare.json", "gateway", "gateway-target", "home", "installs.json", "kubelet/pods", "kubelet/processes.json", "opm",
    "pki", "tmp",
)  # fmt: skip
KEYS = ("kube-apiserver-lb-signer.crt", "kube-apiserver-lb-signer.key", "service-account.pub", "service-account.key")
WRITERS = ("kubelet", "operators", "etcd")  # who has to stand still, in this order


def root() -> Path:
    """The folder of all saved states."""
    return paths.state_root().parent / "saved"


def folder(name: str) -> Path:
    return root() / paths.check_name(name)


def code() -> dict[str, str]:
    """File of the rehearsal -> short hash of its content: what a state's meaning depends on."""
    found = {}
    for path in sorted(paths.PACKAGE.rglob("*")):
        inside = path.relative_to(paths.PACKAGE)
        if path.suffix in CODE and not any(part.startswith(".") for part in inside.parts) and path.is_file():
            found[str(inside)] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def save(state: Path, status: dict[str, Any], name: str) -> dict[str, Any]:
    """Keep the running rehearsal in ``state`` under ``name`` (an older state of that name is replaced). Returns its description."""
    if status["state"] != "ready":
        raise RehearsalError(
            f"rehearsal '{status['name']}' can't be saved",
            str(state),
            f"its state is {status['state']}",
            "Save a rehearsal that is ready",
            code=BAD_INPUT,
        )
    target = folder(name)
    scratch = target.with_name(f".{name}.{os.getpid()}")
    began = time.monotonic()
    try:
        scratch.mkdir(parents=True, mode=0o700)
        with standing_still([status["pids"][part] for part in WRITERS if part in status["pids"]]):
            shutil.copytree(state / "etcd", scratch / "etcd")
            _copy_run(state / "run", scratch / "run")
        meta = {
            "format": FORMAT,
            "name": name,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 1),
            "openshift": status["openshift"],
            "wanted": status["wanted"],
            "code": _settings(scratch)["code"],  # of the moment when it was started: what runs now
        }
        (scratch / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return meta


def load(name: str) -> dict[str, Any]:
    """The description of a saved state that this code can start from. Raises RehearsalError (bad input) when it can't."""
    path = folder(name)
    meta = describe(path)
    if meta is None:
        raise data.unknown("saved state", name, names())
    changed = _changed(meta)
    if changed:
        raise RehearsalError(
            f"saved state '{name}' is refused",
            str(path),
            f"another version of the rehearsal made it; changed since: {_short(changed)}",
            f"Make it again: start a rehearsal, then 'save --as {name}'",
            code=BAD_INPUT,
        )
    return meta


def usable(name: str) -> bool:
    """Whether there is a state of this name that this code can start from."""
    meta = describe(folder(name))
    return meta is not None and not _changed(meta)


def names() -> list[str]:
    if not root().is_dir():
        return []
    return sorted(path.name for path in root().iterdir() if (path / "meta.json").is_file() and not path.name.startswith("."))


def describe(path: Path) -> dict[str, Any] | None:
    """``meta.json`` of a state's folder, None when there is no whole one."""
    try:
        meta: dict[str, Any] = json.loads((path / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return meta


def drop(name: str) -> None:
    """Remove a saved state. Raises RehearsalError when there is none of this name."""
    if name not in names():
        raise data.unknown("saved state", name, names())
    shutil.rmtree(folder(name))


def bring_back(name: str, state: Path) -> dict[str, Any]:
    """Copy a state's files into the folder of a rehearsal that doesn't run; returns the settings that it was saved with."""
    load(name)
    for part in ("etcd", "run"):
        shutil.rmtree(state / part, ignore_errors=True)
        shutil.copytree(folder(name) / part, state / part)
    return _settings(state)


def _settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((folder / "run" / "settings.json").read_text(encoding="utf-8"))
    return settings


@contextlib.contextmanager
def standing_still(pids: Iterable[int]) -> Iterator[None]:
    """Processes are stopped inside of the block, and go on after it whatever happens."""
    stopped = []
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # a part that ended this moment writes nothing either
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        for pid in stopped:
            _wait_stopped(pid)
        yield
    finally:
        for pid in reversed(stopped):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _wait_stopped(pid: int, seconds: float = 5.0) -> None:
    """A signal is delivered a moment later: wait until the kernel shows the process as stopped."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return
        if text.rpartition(")")[2].split()[0] in "TtZX":
            return
        time.sleep(0.005)
    raise RehearsalError("a part doesn't stand still", f"process {pid}", f"not stopped after {seconds:.0f} s", "Try again")


def _copy_run(run: Path, target: Path) -> None:
    def left_out(directory: str, entries: list[str]) -> list[str]:
        base = Path(directory)
        return [
            entry
            for entry in entries
            if str((base / entry).relative_to(run)) in LEFT_OUT or not _plain(base / entry)
        ]

    shutil.copytree(run, target, ignore=left_out, symlinks=True)
    keys = target / "pki"
    keys.mkdir(mode=0o700)
    for key in KEYS:
        shutil.copy2(run / "pki" / key, keys / key)


def _plain(path: Path) -> bool:
    """Not a socket or a pipe, which nobody can copy."""
    return path.is_symlink() or path.is_dir() or path.is_file()


def _changed(meta: dict[str, Any]) -> list[str]:
    if meta.get("format") != FORMAT:
        return [f"the format of saved states ({meta.get('format')}, now {FORMAT})"]
    then, now = meta.get("code") or {}, code()
    return sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path))


def _short(changed: list[str]) -> str:
    more = len(changed) - 3
    return ", ".join(changed[:3]) + (f" and {more} more" if more > 0 else "")
