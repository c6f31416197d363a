# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and building the programs, without running Go."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from rehearsal import parts
from rehearsal.errors import RehearsalError


def program(folder: Path, name: str, says: str = "") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH without Go and an empty cache; returns the only folder on PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("LLMD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return folder


def test_every_tool_line_is_a_known_program() -> None:
    for module in parts.MODULES:
        block = module.text().split("tool (")[1].split(")")[0]
        assert sorted(block.split()) == sorted(module.programs.values())


def test_pinned_versions_are_read_from_go_mod() -> None:
    assert parts.CORE.pinned("k8s.io/kubernetes").startswith("1.")
    with pytest.raises(RehearsalError, match=r"example\.com/none"):
        parts.CORE.pinned("example.com/none")


@pytest.mark.parametrize(
    ("package", "name"),
    [("go.etcd.io/etcd/server/v3", "server"), ("sigs.k8s.io/lws/cmd", "cmd"), ("a/b/cmd/opm", "opm")],
)
def test_names_that_go_gives(package: str, name: str) -> None:
    assert parts._go_name(package) == name


@pytest.mark.parametrize(
    ("name", "said", "fits"),
    [
        ("etcd", "etcd Version: 3.6.13", True),
        ("etcd", "etcd Version: 3.4.23", False),
        ("kube-apiserver", "Kubernetes v1.36.9", True),
        ("kube-apiserver", "Kubernetes v1.30.0", False),
        ("kube-apiserver", "no version", False),
    ],
)
def test_version_decides(alone: Path, name: str, said: str, fits: bool) -> None:
    path = program(alone, name, said)
    assert parts._fits(name, str(path)) is fits
    assert (parts._given(name) is not None) is fits


def test_wrong_version_in_kubebuilder_assets_is_told(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(alone, "kube-scheduler", "Kubernetes v1.20.1")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(alone))
    with pytest.raises(RehearsalError, match=r"wrong version.*Kubernetes 1\.\d+"):
        parts._given("kube-scheduler")


def test_unversioned_programs_come_from_kubebuilder_assets_but_not_from_path(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(alone, "kwok")
    assert parts._given("kwok") is None
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(alone))
    assert parts._given("kwok") == str(alone / "kwok")


def test_all_programs_given_need_no_go(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in parts.MODULES:
        for name in module.programs:
            program(
                alone,
                name,
                "etcd Version: 3.6.1" if name == "etcd" else f"Kubernetes v{parts.CORE.pinned('k8s.io/kubernetes')}",
            )
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(alone))
    found = parts.find(print, build=False)
    assert found["opm"] == str(alone / "opm")


def test_module_cache_named_by_the_environment_needs_no_go(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMODCACHE", "/somewhere")
    assert parts.go_mod_cache() == Path("/somewhere")
    monkeypatch.delenv("GOMODCACHE")
    with pytest.raises(RehearsalError, match="Go isn't installed"):
        parts.go_mod_cache()


def test_missing_go_says_what_works_without(alone: Path) -> None:
    with pytest.raises(
        RehearsalError, match=r"Go isn't installed.*KUBEBUILDER_ASSETS.*existing cluster by its kubeconfig"
    ):
        parts.find(print)


def fake_go(folder: Path, version: str) -> None:
    script = f"""#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo go{version} ;;
  "env GOPROXY") echo https://proxy.example,direct ;;
  "list -deps") printf 'a\\nb\\n' ;;
  *) while [ "$1" != -o ]; do shift; done; echo built >&2
     for package in "$3"; do echo x > "$2/${{package##*/}}"; done ;;
esac
"""
    path = folder / "go"
    path.write_text(script, encoding="ascii")
    path.chmod(0o755)


def test_old_go_is_refused(alone: Path) -> None:
    fake_go(alone, "1.19.2")
    with pytest.raises(RehearsalError, match=r"Go 1\.19\.2 is too old.*needs 1\.26"):
        parts.cache_folder(parts.CORE)


def test_cache_is_keyed_by_go_version(alone: Path) -> None:
    fake_go(alone, "1.27.0")
    first = parts.cache_folder(parts.KSERVE)
    fake_go(alone, "1.27.1")
    assert parts.cache_folder(parts.KSERVE) != first


def test_what_is_missing_is_built_once(alone: Path) -> None:
    fake_go(alone, "1.27.0")
    said: list[str] = []
    folder = parts.cache_folder(parts.KSERVE) / "bin"
    with pytest.raises(RehearsalError, match="aren't built yet.*lws"):
        parts._from_cache(parts.KSERVE, ["lws"], said.append, build=False)
    found = parts._from_cache(parts.KSERVE, ["lws"], said.append, build=True)
    assert found == {"lws": str(folder / "lws")} and (folder / "lws").exists(), "renamed from cmd"
    told = len(said)
    parts._from_cache(parts.KSERVE, ["lws"], said.append, build=True)
    assert len(said) == told


def test_failed_build_tells_the_compilers_words_and_leaves_nothing(alone: Path) -> None:
    fake_go(alone, "1.27.0")
    text = (
        (alone / "go").read_text(encoding="ascii").replace("echo built >&2", "echo 'x.go:1: undefined: y' >&2; exit 1")
    )
    (alone / "go").write_text(text, encoding="ascii")
    with pytest.raises(RehearsalError, match=r"building parts failed.*undefined: y"):
        parts._from_cache(parts.KSERVE, ["lws"], lambda text: None, build=True)
    assert not (parts.cache_folder(parts.KSERVE) / "bin" / "lws").exists()


@pytest.mark.parametrize(
    ("proxy", "kept"),
    [("https://a,direct", "https://a"), ("https://a|https://b,direct", "https://a,https://b"), ("direct", "off")],
)
def test_go_never_goes_around_the_proxy(proxy: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", proxy)
    env = parts.go_environment()
    assert (env["GOPROXY"], env["CGO_ENABLED"]) == (kept, "0")


def test_wheel_programs_are_found_or_named(alone: Path) -> None:
    assert os.access(parts.wheel_program("kubectl"), os.X_OK)
    with pytest.raises(KeyError):
        parts.wheel_program("nonesuch")


def test_kubectl_of_the_environment_runs() -> None:
    done = subprocess.run(
        [parts.wheel_program("kubectl"), "version", "--client"], capture_output=True, text=True, check=True
    )
    assert "Client Version" in done.stdout
