# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts one container, and goes away.

Run as a program of its own (``python -I -S launch.py SPEC``), because namespaces and forks don't go well with the kubelet's
threads. It enters the pod's network namespace, takes mount, PID, UTS and IPC namespaces of its own, builds the root
from the plan, forks the container's process (PID 1 of its namespace: when it ends, the kernel ends all its children), writes
``ok PID`` or ``error TEXT`` to the file descriptor named in the spec, and exits. The container's process then is a child
of the kubelet, which is the subreaper and so can wait for it. Only in a pod whose containers share their process ids
(``pidns`` in the spec) the process would be inherited by that namespace's process 1: then this program says ``stays PID``, waits
and ends as the process did.

Only the standard library, and as few modules as possible: this start is what each container start costs.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18)
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "ppc64le": 203, "s390x": 217}
SYS_MOUNT_SETATTR = 442  # the same number on every architecture; since Linux 5.12
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = -100, 0x8000, 1
SIGNALS_BACK_TO_DEFAULT = ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGTERM", "SIGHUP")

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def raw(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)
    check(libc.mount(raw(source), raw(target), raw(kind), ctypes.c_ulong(flags), raw(data)), f"mount {target}")


def enter(path: str, kind: int) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        check(libc.setns(handle, kind), f"enter namespace {path}")
    finally:
        os.close(handle)


def build_root(root: str, operations: list[dict]) -> None:
    """Make the folders, links, files and mounts of the plan below ``root``."""
    mount("tmpfs", root, "tmpfs", MS_NOSUID, "mode=755")
    for step in operations:
        path = root + step["path"]
        if step["op"] == "dir":
            os.makedirs(path, exist_ok=True)
        elif step["op"] == "link":
            os.symlink(step["target"], path)
        elif step["op"] == "file":
            write_file(path, step["text"], step["mode"])
        else:
            make_mount_point(path, step["directory"])
            mount(step["source"], path, None, MS_BIND | MS_REC)
    # at the end, since a mount point may have to be made inside another mount
    for step in operations:
        if step["op"] == "bind" and step["read_only"]:
            remount_read_only(root + step["path"])
    os.chmod(root + "/tmp", 0o1777)


def write_file(path: str, text: str, mode: int) -> None:
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, mode)


def make_mount_point(path: str, directory: bool) -> None:
    if directory:
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass


def remount_read_only(path: str) -> None:
    """A bind mount keeps the flags of its file system; in a user namespace they must be given again."""
    now = os.statvfs(path).f_flag  # ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC have the values of MS_*
    keep = now & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for extra in (0, 1024, 2048, 1024 | 2048, 1 << 21):  # MS_NOATIME, MS_NODIRATIME, MS_RELATIME may be locked, too
        try:
            mount(None, path, None, MS_REMOUNT | MS_BIND | MS_RDONLY | keep | extra)
            return
        except OSError:
            continue
    raise OSError(f"can't make {path} read-only")


def switch_root(root: str) -> None:
    """Make ``root`` the root; the old one stays, read-only as a whole, as /.host."""
    os.makedirs(root + "/.host", exist_ok=True)
    os.chdir(root)
    number = SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"no number of pivot_root known for {os.uname().machine}")
    check(libc.syscall(ctypes.c_long(number), b".", b".host"), "pivot_root")
    os.chdir("/")
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
    done = libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR), ctypes.c_int(AT_FDCWD), b"/.host", ctypes.c_uint(AT_RECURSIVE),
        attributes, ctypes.c_size_t(ctypes.sizeof(attributes)))
    if done != 0:  # an older kernel: at least the root file system itself
        remount_read_only("/.host")


def mount_proc() -> None:
    try:
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:  # forbidden where the outer /proc is masked, as in many containers
        mount("/.host/proc", "/proc", None, MS_BIND | MS_REC)


def container(spec: dict, report: int) -> None:
    """The child: PID 1 of the container. Never returns."""
    try:
        switch_root(spec["root"])
        mount_proc()
        check(libc.sethostname(os.fsencode(spec["hostname"]), len(os.fsencode(spec["hostname"]))), "sethostname")
        for name in SIGNALS_BACK_TO_DEFAULT:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        os.setsid()
        os.umask(0o022)
        enter_folder(spec["cwd"])
        execute(spec["argv"], spec["env"])
    except BaseException as error:
        os.write(report, str(error).encode())
    os._exit(128)


def enter_folder(folder: str) -> None:
    """The runtime makes a missing working directory, as CRI-O does."""
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)


def execute(argv: list[str], env: dict[str, str]) -> None:
    """Replace this process; the errors' wording is that of OpenShift's runtime (CRI-O with crun)."""
    name = argv[0]
    places = [name] if "/" in name else [f"{p}/{name}" for p in env.get("PATH", "").split(":") if p]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            os.execve(place, argv, env)
    if "/" in name and os.path.exists(name):
        raise OSError(f"container create failed: open executable: Operation not permitted: `{name}`")
    if "/" in name:
        raise OSError(f"container create failed: executable file `{name}` not found: No such file or directory")
    raise OSError(f"container create failed: executable file `{name}` not found in $PATH: No such file or directory")


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as source:
        spec = json.load(source)
    report = spec["report_fd"]
    os.set_inheritable(report, False)
    try:
        child = start(spec)
    except OSError as error:
        os.write(report, f"error {error}".encode())
        return 0
    if not spec["pidns"]:
        os.write(report, f"ok {child}".encode())
        return 0
    os.write(report, f"stays {child}".encode())
    os.close(report)
    for handle in (1, 2):
        os.close(handle)  # the log ends with the container, not with us
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 128 - code if code < 0 else code


def start(spec: dict) -> int:
    """Returns the process id; raises OSError when the program couldn't be started."""
    enter(spec["netns"], CLONE_NEWNET)
    own = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC
    if spec["pidns"]:
        enter(spec["pidns"], CLONE_NEWPID)
    else:
        own |= CLONE_NEWPID
    check(libc.unshare(own), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    build_root(spec["root"], spec["operations"])
    hears, tells = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        container(spec, tells)
    os.close(tells)
    trouble = os.read(hears, 65536)  # empty as soon as the exec has closed the pipe
    if trouble:
        os.waitpid(child, 0)
        raise OSError(trouble.decode("utf-8", "replace"))
    return child


if __name__ == "__main__":
    sys.exit(main())
