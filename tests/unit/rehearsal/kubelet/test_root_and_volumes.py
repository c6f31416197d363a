# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's root is made of, and files of volumes."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kube import KubeError
from rehearsal.kubelet import atomic
from rehearsal.kubelet.cluster import Config
from rehearsal.kubelet.rootplan import Mount, RootPlan
from rehearsal.kubelet.volumes import MountError, Volumes

HOST: dict[str, list[tuple[str, str | None]]] = {
    "/": [("bin", "usr/bin"), ("etc", None), ("usr", None), ("projects", None), ("root", None)],
    "/etc": [("ssl", None), ("hosts", None), ("alt", "/etc/ssl")],
    "/etc/ssl": [("certs", None), ("openssl.cnf", None)],
    "/usr": [("bin", None), ("local", None)],
    "/usr/local": [("bin", None)],
    "/usr/local/bin": [("tool", None)],
}


def plan() -> RootPlan:
    return RootPlan(HOST.get)


def by_path(root: RootPlan) -> dict[str, dict[str, Any]]:
    return {step["path"]: step for step in root.operations()}


def test_only_folders_with_programs_are_the_hosts() -> None:
    steps = by_path(plan())
    assert steps["/usr"] == {"op": "link", "path": "/usr", "target": "/.host/usr"}
    assert steps["/bin"]["target"] == "usr/bin"
    assert steps["/root"]["op"] == "dir" and "/projects" not in steps


def test_a_mount_inside_a_linked_folder_opens_it_and_keeps_the_rest() -> None:
    root = plan()
    root.mount(Mount("/vol", "/etc/ssl/certs"))
    steps = by_path(root)
    assert steps["/etc/ssl"]["op"] == "dir"
    assert steps["/etc/ssl/certs"]["op"] == "bind"
    assert steps["/etc/ssl/openssl.cnf"]["target"] == "/.host/etc/ssl/openssl.cnf"
    assert steps["/etc/hosts"]["target"] == "/.host/etc/hosts"


def test_links_on_the_way_are_followed() -> None:
    root = plan()
    root.mount(Mount("/vol", "/var/run/secrets/x"))
    root.mount(Mount("/vol", "/etc/alt/certs"))
    steps = by_path(root)
    assert steps["/run/secrets/x"]["op"] == "bind" and steps["/etc/ssl/certs"]["op"] == "bind"


def test_missing_paths_are_made_and_files_keep_their_mode() -> None:
    root = plan()
    root.mount(Mount("/vol", "/mnt/models"))
    root.file("/usr/local/bin/vllm", "x", 0o755)
    steps = by_path(root)
    assert steps["/mnt/models"]["directory"] is True
    assert steps["/usr/local/bin/vllm"]["mode"] == 0o755
    assert steps["/usr/local/bin/tool"]["op"] == "link"


def test_a_mount_inside_a_mount_comes_after_it() -> None:
    root = plan()
    root.mount(Mount("/outer", "/tmp"))
    root.mount(Mount("/inner", "/tmp/a/b", read_only=True))
    binds = [step for step in root.operations() if step["op"] == "bind"]
    assert [b["path"] for b in binds] == ["/tmp", "/tmp/a/b"] and binds[1]["read_only"]


def test_impossible_places_are_refused() -> None:
    root = plan()
    with pytest.raises(ValueError, match="root itself"):
        root.mount(Mount("/v", "/"))
    root.mount(Mount("/v", "/data"))
    with pytest.raises(ValueError, match="inside the mount"):
        root.file("/data/x/y", "")
    root.link("/loop", "/loop")
    with pytest.raises(ValueError, match="too many links"):
        root.folder("/loop/x")


def test_files_are_swapped_at_once(tmp_path: Path) -> None:
    assert atomic.write(tmp_path / "v", {"a": (b"1", 0o644), "d/b": (b"2", 0o400)})
    first = os.readlink(tmp_path / "v" / "..data")
    assert (tmp_path / "v" / "a").read_bytes() == b"1" and (tmp_path / "v" / "d" / "b").stat().st_mode & 0o777 == 0o400
    assert not atomic.write(tmp_path / "v", {"a": (b"1", 0o644), "d/b": (b"2", 0o400)})
    assert atomic.write(tmp_path / "v", {"a": (b"3", 0o644)})
    assert os.readlink(tmp_path / "v" / "..data") != first
    assert (tmp_path / "v" / "a").read_bytes() == b"3" and not (tmp_path / "v" / "d").exists()
    assert sorted(p.name for p in (tmp_path / "v").iterdir() if not p.is_symlink()) == [os.readlink(tmp_path / "v" / "..data")]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../b", "..data"])
def test_paths_that_leave_the_volume_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a file"):
        atomic.write(tmp_path, {name: (b"", 0o644)})


class FakeKube:
    """An API with a few objects; counts what is asked."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects, self.asked, self.broken = objects, 0, False

    def get(self, path: str) -> Any:
        self.asked += 1
        if self.broken:
            raise KubeError(500, "Internal", "down")
        return self.objects.get(path)

    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        return {"status": {"token": f"token-{self.asked}-{obj['spec']['boundObjectRef']['uid']}"}}


def secret(**data: str) -> dict[str, Any]:
    return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def volumes(tmp_path: Path, kube: FakeKube, *specs: dict[str, Any], clock: Any = lambda: 0.0) -> Volumes:
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {"volumes": list(specs)}}
    return Volumes(pod, tmp_path / "v", tmp_path / "claims", kube, Config(kube, clock), lambda path: f"<{path}>",  # type: ignore[arg-type]
                   lambda ref: "7", clock)


def test_volume_kinds(tmp_path: Path) -> None:
    kube = FakeKube({
        "/api/v1/namespaces/n/secrets/s": secret(k="v", other="o"), "/api/v1/namespaces/n/configmaps/c": {"data": {"a": "1"}, "binaryData": {"b": "AAE="}},
        "/api/v1/namespaces/n/persistentvolumeclaims/data": {"spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}},
        "/api/v1/namespaces/n/persistentvolumeclaims/p-own": {"spec": {"volumeName": "pv-2"}, "status": {"phase": "Bound"}},
    })
    here = volumes(
        tmp_path, kube, {"name": "s", "secret": {"secretName": "s", "items": [{"key": "k", "path": "deep/k", "mode": 0o400}]}},
        {"name": "c", "configMap": {"name": "c"}}, {"name": "e", "emptyDir": {}}, {"name": "p", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "t", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "c", "items": [{"key": "a", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}}]}})
    here.set_up()
    assert (here.path("s") / "deep" / "k").read_text() == "v" and not (here.path("s") / "other").exists()
    assert (here.path("c") / "b").read_bytes() == b"\0\1"
    assert here.path("p") == tmp_path / "claims" / "pv-1" and here.path("p").is_dir()
    assert here.path("own") == tmp_path / "claims" / "pv-2"
    assert (here.path("t") / "ns").read_text() == "<metadata.namespace>"
    assert (here.path("t") / "token").read_text().endswith("-u")


@pytest.mark.parametrize(("spec", "words"), [
    ({"secret": {"secretName": "gone"}}, 'secret "gone" not found'),
    ({"configMap": {"name": "c", "items": [{"key": "nope", "path": "x"}]}}, "references non-existent config key: nope"),
    ({"hostPath": {"path": "/"}}, "no volumes of kind hostPath"),
    ({"persistentVolumeClaim": {"claimName": "gone"}}, 'persistentvolumeclaim "gone" not found'),
    ({"ephemeral": {"volumeClaimTemplate": {}}}, 'persistentvolumeclaim "p-v" not found'),
])
def test_volumes_that_cannot_be_made(tmp_path: Path, spec: dict[str, Any], words: str) -> None:
    kube = FakeKube({"/api/v1/namespaces/n/configmaps/c": {"data": {"a": "1"}}})
    with pytest.raises(MountError, match=words):
        volumes(tmp_path, kube, {"name": "v", **spec}).set_up()


def test_a_changed_secret_is_seen_later_and_an_outage_keeps_the_old_files(tmp_path: Path) -> None:
    time = [0.0]
    kube = FakeKube({"/api/v1/namespaces/n/secrets/s": secret(k="1")})
    here = volumes(tmp_path, kube, {"name": "s", "secret": {"secretName": "s"}}, clock=lambda: time[0])
    here.set_up()
    kube.objects["/api/v1/namespaces/n/secrets/s"] = secret(k="2")
    assert not here.refresh()  # still fresh enough
    time[0] = 20.0
    assert here.refresh() and (here.path("s") / "k").read_text() == "2"
    time[0], kube.broken = 40.0, True
    assert not here.refresh() and (here.path("s") / "k").read_text() == "2"


def test_tokens_are_renewed_before_they_end(tmp_path: Path) -> None:
    time = [0.0]
    here = volumes(tmp_path, FakeKube({}), {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 1000}}]}},
                   clock=lambda: time[0])
    here.set_up()
    first = (here.path("t") / "token").read_text()
    time[0] = 700.0
    assert not here.refresh()
    time[0] = 801.0
    assert here.refresh() and (here.path("t") / "token").read_text() != first
