# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of the control plane and OLM, tokens, catalogs; and what is computed before a start."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import controlplane, olm, parts, paths, prepare, settings_file
from rehearsal.controlplane import Files
from rehearsal.crds import Crds
from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube
from rehearsal.prepare import _node_addresses
from rehearsal.supervisor import _catalogs_ready, _nodes_ready


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, "https://127.0.0.1:4711")


def test_kubeconfig_of_the_user_is_usable_and_private(files: Files) -> None:
    path = files.state / "kubeconfig"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Kube.from_kubeconfig(path).server == "https://127.0.0.1:4711"
    assert yaml.safe_load(path.read_text())["users"][0]["name"] == "system:admin"
    inside = Kube.from_kubeconfig(files.kubeconfig("rehearsal:operators"))
    assert inside.server == "https://10.96.0.1:443"


def test_every_user_has_a_token_of_its_own(files: Files) -> None:
    rows = list(csv.reader(files.token_file.read_text().splitlines()))
    assert len({row[0] for row in rows}) == len(rows) == len(controlplane.USERS)
    groups = {row[1]: row[3] for row in rows}
    assert groups["system:admin"] == "system:masters"
    assert groups["system:kube-scheduler"] == "", "gets its rights by RBAC, as on a real cluster"


def test_two_rehearsals_share_no_secret(files: Files, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = Files(tmp_path / "b", "https://127.0.0.1:4712")
    assert set(files.tokens.values()).isdisjoint(other.tokens.values())
    assert files.authority.path.read_bytes() != other.authority.path.read_bytes()


def test_the_audit_log_keeps_everything_but_heartbeats(files: Files) -> None:
    policy = json.loads(files.audit_policy.read_text())
    assert policy["rules"][-1] == {"level": "Metadata"}
    argv = controlplane.apiserver("/bin/kube-apiserver", files).argv
    assert f"--audit-log-path={files.state}/audit.log" in argv
    assert "--authorization-mode=RBAC" in argv
    assert not any(argument.startswith("--anonymous-auth") for argument in argv)


def test_addresses_of_nodes_come_from_the_seed() -> None:
    node = {
        "kind": "Node",
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}, {"type": "Hostname", "address": "a"}]},
    }
    assert _node_addresses([node, {"kind": "Node"}, {"kind": "Pod"}]) == ["10.0.0.7"]


class Lists:
    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = list(items)

    def list(self, path: str) -> list[dict[str, Any]]:
        return self.items


def node(ready: str, played: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    return {"metadata": {"labels": {"type": "kwok"} if played else {}}, "status": {"conditions": conditions}}


def test_every_node_whose_kubelet_is_played_must_be_ready() -> None:
    assert _nodes_ready(Lists(node("True"), node("True")))  # type: ignore[arg-type]
    assert not _nodes_ready(Lists(node("True"), node("Unknown")))  # type: ignore[arg-type]
    assert not _nodes_ready(Lists(node("True"), node("")))  # type: ignore[arg-type]
    assert not _nodes_ready(Lists())  # type: ignore[arg-type]
    assert _nodes_ready(Lists(node("True"), node("Unknown", played=False)))  # type: ignore[arg-type]


def test_every_catalog_must_be_ready() -> None:
    ready = {"status": {"connectionState": {"lastObservedState": "READY"}}}
    assert _catalogs_ready(Lists(ready, ready))  # type: ignore[arg-type]
    assert not _catalogs_ready(Lists(ready))  # type: ignore[arg-type]
    assert not _catalogs_ready(Lists(ready, {}))  # type: ignore[arg-type]


def test_packages_are_served_when_the_api_is_available_and_not_empty() -> None:
    class Api(Lists):
        available = "False"

        def get(self, path: str) -> dict[str, Any]:
            return {"status": {"conditions": [{"type": "Available", "status": self.available}]}}

    api = Api({})
    assert not olm.packages_served(api)  # type: ignore[arg-type]
    api.available = "True"
    assert olm.packages_served(api)  # type: ignore[arg-type]
    api.items = []
    assert not olm.packages_served(api)  # type: ignore[arg-type]


SETTINGS = {"openshift": {"version": "4.20.20"}, "scenario": {}}


def test_an_unchanged_catalog_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = [{"schema": "olm.package", "name": "a"}]
    monkeypatch.setattr("rehearsal.catalog_render.render", lambda *args, **kwargs: blobs)
    file = olm.write_catalog("redhat-operators", tmp_path, Crds([]), SETTINGS) / "catalog.json"
    stamp = file.stat().st_mtime_ns
    olm.write_catalog("redhat-operators", tmp_path, Crds([]), SETTINGS)
    assert file.stat().st_mtime_ns == stamp
    blobs.append({"schema": "olm.package", "name": "b"})
    olm.write_catalog("redhat-operators", tmp_path, Crds([]), SETTINGS)
    assert [json.loads(line)["name"] for line in file.read_text().splitlines()] == ["a", "b"]


def test_a_catalog_with_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="CustomResourceDefinition"):
        olm.write_catalog("redhat-operators", tmp_path, Crds([]), SETTINGS)


def test_every_served_catalog_has_a_file_and_a_port_of_its_own() -> None:
    assert {path.stem for path in (paths.PACKAGE / "catalogs").glob("*.yaml")} == set(olm.PORTS)
    assert len(set(olm.PORTS.values())) == len(olm.PORTS)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``prepare`` without Go: no module cache is needed for what is looked at here."""
    monkeypatch.setenv("LLMD_STATE", str(tmp_path))
    monkeypatch.setattr(parts, "go_mod_cache", lambda: tmp_path / "mod")
    monkeypatch.setattr("rehearsal.stages.write", lambda target, images: target)
    monkeypatch.setattr(Crds, "load", classmethod(lambda cls: cls([])))
    monkeypatch.setattr("rehearsal.olm.write_catalog", lambda *args: None)

    def run(*scenarios: str, profile: str = "h200-roce") -> dict[str, Any]:
        return prepare.prepare(prepare.Wanted("a", profile, "4.20", list(scenarios)), {"etcd": "/bin/etcd"})

    return run


def test_settings_hold_what_the_contract_names(prepared: Any, tmp_path: Path) -> None:
    settings = prepared("epp-dead")
    assert settings == settings_file.read_settings(tmp_path / "rehearsal" / "a")
    contract = {"speed", "profile", "openshift", "scenario", "kubeconfig", "bin", "gomodcache", "state"}
    assert contract <= set(settings)
    assert settings["scenario"]["names"] == ["epp-dead"]


def test_same_inputs_share_a_database_though_time_and_cluster_id_differ(prepared: Any) -> None:
    first, second = prepared(), prepared()
    assert first["bare_key"] == second["bare_key"]
    assert first["cluster_id"] != second["cluster_id"]
    assert prepared("cluster-upgrading")["bare_key"] != first["bare_key"]


def test_repair_ends_all_or_one_and_names_the_nearest(prepared: Any, tmp_path: Path) -> None:
    state = tmp_path / "rehearsal" / "a"
    prepared("epp-dead", "package-missing")
    with pytest.raises(RehearsalError, match="did you mean 'epp-dead'"):
        prepare.repair(state, ["epp-ded"])
    assert prepare.repair(state, ["epp-dead"]) == ["package-missing"]
    assert "pods" not in settings_file.read_settings(state)["scenario"]
    assert prepare.repair(state, []) == []
    assert settings_file.read_settings(state)["scenario"] == {"names": []}
