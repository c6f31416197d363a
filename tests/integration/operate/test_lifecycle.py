# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Day after day on one cluster: export, teardown to bare, the export applied by kubectl, proof, drift, and what isn't ours stays.

The tests of this file build on each other.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rehearsal.steps import one_cluster
from tests.integration.site.play import Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

STAGES = ["access", "discover", "assess", "plan", "features"]
# How kubectl waits for what the README of an export says is ready.
READY = {
    "ClusterServiceVersion": "jsonpath={.status.phase}=Succeeded",
    "MachineConfigPool": "condition=Updated",
    "NodeFeatureDiscovery": "condition=Available",
    "ClusterPolicy": "jsonpath={.status.state}=ready",
    "LVMCluster": "jsonpath={.status.state}=Ready",
    "GatewayClass": "condition=Accepted",
    "Gateway": "condition=Programmed",
    "Kuadrant": "condition=Ready",
    "DataScienceCluster": "condition=Ready",
}


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bare cluster of this file's own."""
    for rehearsal in one_cluster(request, f"lifecycle-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        yield Site(rehearsal, tmp_path_factory.mktemp("lifecycle"))


@pytest.fixture(scope="module")
def gitops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gitops")


def teardown(site: Site, *args: str, **variables: Any) -> tuple[dict[str, str], int]:
    """What goes ("") and what stays (why), and how many tasks changed something."""
    result = site.run(*args, playbook="playbooks/teardown.yml", **variables)
    assert result.rc == 0, result.output[-3000:]
    changes = [change for step in result.report["plan"]["steps"] for change in step["changes"]]
    return {change["object"]: change.get("why", "") for change in changes if change["action"] != "update"}, result.changed


def ours(site: Site) -> list[str]:
    """Everything with our label on the cluster, but for the lock."""
    kinds = site.rehearsal.kubectl("api-resources", "--verbs=list,delete", "-o", "name").split()
    kinds = [kind for kind in kinds if not kind.startswith(("events", "packagemanifests"))]
    found = site.rehearsal.kubectl("get", ",".join(kinds), "-A", "-l", "app.kubernetes.io/managed-by=llmd-openshift", "-o", "name").split()
    return [name for name in found if not name.endswith("/llmd-openshift")]


def test_an_export_needs_known_hardware(cluster: Site, gitops: Path) -> None:
    result = cluster.run(llmd_export=str(gitops))
    assert result.rc != 0
    assert "hardware isn't known" in result.message
    assert not list(gitops.iterdir())


def test_export_is_byte_stable_and_changes_nothing_on_the_cluster(cluster: Site, gitops: Path) -> None:
    result = cluster.run(llmd_stages=STAGES)
    assert result.rc == 0, result.output[-3000:]
    before = cluster.rehearsal.audit_size()
    result = cluster.run(llmd_export=str(gitops))
    assert result.rc == 0, result.output[-3000:]
    first = {file.name: file.read_bytes() for file in (gitops / "rehearsal").iterdir()}
    assert any("llminferenceservice" in text.decode().lower() for text in first.values())
    assert cluster.run(llmd_export=str(gitops)).changed == 0
    assert {file.name: file.read_bytes() for file in (gitops / "rehearsal").iterdir()} == first
    events = cluster.rehearsal.audit(before)
    assert [e["requestURI"] for e in events if e.get("userAgent", "").startswith("llmd.openshift") and e["verb"] in ("patch", "update", "delete")] == []


def test_a_folder_of_somebody_else_is_refused(cluster: Site, tmp_path: Path) -> None:
    (tmp_path / "rehearsal").mkdir()
    (tmp_path / "rehearsal" / "notes.txt").write_text("mine")
    result = cluster.run(llmd_export=str(tmp_path))
    assert result.rc != 0
    assert "holds other files (notes.txt)" in result.message


def test_teardown_shows_what_would_go_and_leaves_only_what_it_names(cluster: Site) -> None:
    shown, _changed = teardown(cluster, "--check", llmd_teardown_operators=True)
    assert shown["Subscription openshift-nfd/nfd"] == ""
    assert cluster.rehearsal.get("subscription.operators.coreos.com", "nfd", "-n", "openshift-nfd")
    said, _changed = teardown(cluster)
    assert said["NodeFeatureDiscovery openshift-nfd/nfd-instance"] == ""
    assert said["Subscription openshift-nfd/nfd"] == "removed with llmd_teardown_operators: true only"
    teardown(cluster, llmd_teardown_operators=True)
    assert ours(cluster) == []
    said, changed = teardown(cluster, llmd_teardown_operators=True)
    assert (said, changed) == ({}, 0)


def test_the_export_applied_by_kubectl_makes_a_cluster_on_which_site_changes_nothing(cluster: Site, gitops: Path) -> None:
    folder = gitops / "rehearsal"
    readme = (folder / "README.md").read_text()
    table = re.findall(r"^\| \d+ \| `(\S+)` \| .*? \| (.*?) \|$", readme, re.M)
    allowed = set(re.findall(r"[\w.-]+\.v?\d[\w.+-]*", " ".join(re.findall(r"^\| \S+ \| \S+ \| (.*) \|$", readme, re.M))))
    assert [file for file, _waits in table] == sorted(file.name for file in folder.glob("*.yaml"))
    for file, waits in table:
        for kind, place in re.findall(r"(\w+) (\S+) is ready", waits):
            await_ready(cluster, kind, place, allowed)
        apply(cluster, folder / file, allowed)
    result = cluster.run(playbook="playbooks/verify.yml")
    end = time.monotonic() + 600
    while result.rc != 0 and time.monotonic() < end:  # the model servers start
        time.sleep(10)
        result = cluster.run(playbook="playbooks/verify.yml")
    assert result.report["outcome"] == "proven", result.output[-3000:]
    result = cluster.run()
    assert result.rc == 0, result.output[-3000:]
    assert result.changed == 0, [line for line in result.output.splitlines() if line.startswith("changed")]


def test_the_manifests_pass_a_dry_run_of_the_server(cluster: Site, gitops: Path) -> None:
    for file in sorted((gitops / "rehearsal").glob("*.yaml")):
        cluster.rehearsal.kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", str(file))


def test_a_cluster_that_argo_cd_looks_after_is_judged_and_proven_and_never_written(cluster: Site, gitops: Path) -> None:
    """Argo CD's marks on everything of the export: a run is fine as long as Git says the same, and stops where it doesn't."""
    files = sorted((gitops / "rehearsal").glob("*.yaml"))
    for file in files:
        cluster.rehearsal.kubectl("annotate", "-f", str(file), "--overwrite", f"{TRACKING}=llmd:x/y:z", "--field-manager=argocd-controller")
    before = cluster.rehearsal.audit_size()
    result = cluster.run()
    assert (result.rc, result.changed) == (0, 0), result.output[-3000:]
    assert result.report["outcome"] == "proven"
    assert written(cluster, before) == []
    replicas(cluster, 3)  # what Git says now
    before = cluster.rehearsal.audit_size()
    result = cluster.run()
    assert result.rc != 0
    for words in ("LLMInferenceService llmd/llmd", "Argo CD would set it back", "'replicas': 3}}, declared is", "Change it in what Argo CD applies"):
        assert words in result.message, result.message
    assert written(cluster, before) == []
    report = cluster.run(playbook="playbooks/assess.yml").report
    said = {(item["subject"], item["observed"]) for item in report["findings"] if item["id"] == "drift" and item["status"] != "pass"}
    assert said == {("LLMInferenceService llmd/llmd", "spec.replicas is 3, set by argocd-controller")}
    report = cluster.run(playbook="playbooks/verify.yml", llmd_replicas=3).report  # declared as Git has it
    assert report["outcome"] == "proven"
    replicas(cluster, 2)
    for file in files:
        cluster.rehearsal.kubectl("annotate", "-f", str(file), f"{TRACKING}-")


TRACKING = "argocd.argoproj.io/tracking-id"


def replicas(site: Site, number: int) -> None:
    """As Argo CD sets it, and until KServe has followed."""
    change = f'{{"spec":{{"replicas":{number}}}}}'
    service = ("llminferenceservice", "llmd", "-n", "llmd")
    site.rehearsal.kubectl("patch", *service, "--type", "merge", "-p", change, "--field-manager", "argocd-controller")
    site.rehearsal.kubectl("wait", "deployment/llmd-kserve", "-n", "llmd", f"--for=jsonpath={{.status.readyReplicas}}={number}", "--timeout=300s")
    site.rehearsal.kubectl("wait", *service, "--for=condition=Ready", "--timeout=300s")


def written(site: Site, since: int) -> list[str]:
    """What our runs wrote besides the lock and the proof's own short-lived objects."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in site.rehearsal.audit(since)
        if event["verb"] in ("create", "patch", "update", "delete", "deletecollection")
        and event["stage"] == "ResponseComplete"
        and event.get("userAgent", "").startswith("llmd.openshift")
        and not any(word in event["requestURI"] for word in ("selfsubject", "dryRun=All", "/leases/", "probe"))
        and "probe" not in str((event.get("objectRef") or {}).get("name"))
        and not (event["verb"] == "create" and event["requestURI"].partition("?")[0].rpartition("/")[2] in PROBE)
    ]


# The proof creates its objects in collections, so that a request doesn't show their names.
PROBE = ("pods", "configmaps", "serviceaccounts", "roles", "rolebindings", "clusterroles", "clusterrolebindings")


def test_drift_names_field_manager_and_repair_and_reads_little(cluster: Site) -> None:
    start_ = cluster.rehearsal.audit_size()
    report = cluster.run(playbook="playbooks/assess.yml").report
    assert {item["status"] for item in report["findings"] if item["id"] == "drift"} <= {"pass"}
    mine = [e for e in cluster.rehearsal.audit(start_) if e.get("userAgent", "").startswith("llmd.openshift") and e["stage"] == "ResponseComplete"]
    writes = [e["requestURI"] for e in mine if e["verb"] in ("patch", "update", "delete") or (e["verb"] == "create" and "selfsubject" not in e["requestURI"])]
    assert writes == []
    assert len(mine) < 60, len(mine)
    cluster.rehearsal.kubectl(
        "patch", "llminferenceservice", "llmd", "-n", "llmd", "--type", "merge", "-p", '{"spec":{"replicas":3}}', "--field-manager", "kubectl-edit"
    )
    cluster.rehearsal.kubectl("delete", "networkpolicy", "llmd-llmd", "-n", "llmd")
    report = cluster.run(playbook="playbooks/assess.yml").report
    said = {(item["subject"], item["observed"]) for item in report["findings"] if item["id"] == "drift"}
    assert said == {("LLMInferenceService llmd/llmd", "spec.replicas is 3, set by kubectl-edit"), ("NetworkPolicy llmd/llmd-llmd", "it isn't there")}


def test_what_others_applied_is_not_torn_down(cluster: Site) -> None:
    said, changed = teardown(cluster, llmd_teardown_operators=True, llmd_teardown_data=True)
    assert changed == 0 and "" not in said.values(), said
    assert cluster.rehearsal.get("llminferenceservice", "llmd", "-n", "llmd")


def await_ready(site: Site, kind: str, place: str, allowed: set[str], seconds: float = 600) -> None:
    namespace, _slash, name = place.rpartition("/")
    end = time.monotonic() + seconds
    while True:
        approve(site, allowed)
        where = ["-n", namespace] if namespace else []
        said = site.rehearsal.kubectl("wait", f"{kind.lower()}/{name}", *where, f"--for={READY[kind]}", "--timeout=5s", check=False)
        if "condition met" in said:
            return
        assert time.monotonic() < end, said
        time.sleep(1)


def apply(site: Site, file: Path, allowed: set[str], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while True:
        said = site.rehearsal.kubectl("apply", "-f", str(file), check=False)
        if "rror" not in said:
            return
        assert time.monotonic() < end, said
        approve(site, allowed)
        time.sleep(2)


def approve(site: Site, allowed: set[str]) -> None:
    """Exactly the plans that the README allows."""
    for plan in site.rehearsal.get("installplan", "-A")["items"]:
        spec, meta = plan["spec"], plan["metadata"]
        if not spec["approved"] and set(spec["clusterServiceVersionNames"]) <= allowed:
            site.rehearsal.kubectl("patch", "installplan", meta["name"], "-n", meta["namespace"], "--type", "merge", "-p", '{"spec":{"approved":true}}')
