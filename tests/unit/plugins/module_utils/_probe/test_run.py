# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurement's life: what is made, and that nothing stays - whatever happens in between."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Unreachable,
)
from ansible_collections.llmd.openshift.plugins.module_utils._probe.run import (
    ENGINE_LOG_BYTES,
    Orders,
    Probe,
    ProbeError,
    client_script,
)
from ansible_collections.llmd.openshift.plugins.module_utils._proof import objects, pods

sys.path.insert(0, str(Path(__file__).parents[1] / "_watch"))
from fake import FakeCluster

IMAGE = "quay.io/openshift/tools@sha256:" + "0" * 64


class Api(FakeCluster):
    """Creation and deletion, and a kubelet that answers with the given Pod status."""

    def __init__(self, pod_status: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.pod_status = pod_status or {"phase": "Succeeded"}
        self.made: list[str] = []
        self.refuse: dict[str, ClusterError] = {}
        self.log = 'proof: calls measured\n{"format": 1, "faults": {}}\n'

    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        kind = obj["kind"]
        if kind in self.refuse:
            raise self.refuse[kind]
        if kind == "TokenRequest":
            return {"status": {"token": "t0ken"}}
        namespace = obj["metadata"].get("namespace", "")
        copy = json.loads(json.dumps(obj))
        if kind == "Pod":
            copy["status"] = self.pod_status
        self.put(kind, copy, namespace)
        self.made.append(kind)
        return copy

    def get(self, path: str) -> dict[str, Any] | None:
        return self.find(path)

    def find(self, path: str) -> dict[str, Any] | None:
        kind, namespace, name = path.split("|")
        return self.objects.get(kind, {}).get(f"{namespace}/{name}")

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        path = super().path(api_version, kind, namespace, name)
        return path if name else path.rstrip("|") + "|"

    def list_versioned(self, path: str, label_selector: str | None = None, field_selector: str | None = None) -> Any:
        found, version = super().list_versioned(_collection(path), label_selector, field_selector)
        wanted = [part.split("=", 1) for part in (label_selector or "").split(",") if part]
        return [o for o in found if all((o["metadata"].get("labels") or {}).get(k) == v for k, v in wanted)], version

    def watch(self, path: str, *args: Any, **more: Any) -> Any:
        return super().watch(_collection(path), *args, **more)

    def delete(self, path: str, uid: str | None = None) -> bool:
        if "delete" in self.refuse:
            raise self.refuse["delete"]
        head, _slash, name = path.rpartition("/")
        kind, namespace = _collection(head).split("|")[:2]
        found = self.objects.get(kind, {}).get(f"{namespace}/{name}")
        if found and found["metadata"]["uid"] != uid:
            raise Conflict("w", path, "another uid", "t")
        return self.objects.get(kind, {}).pop(f"{namespace}/{name}", None) is not None

    def left(self) -> list[str]:
        """What carries our labels now."""
        return [f"{k} {n}" for k, found in self.objects.items() for n, o in found.items()
                if (o["metadata"].get("labels") or {}).get("app.kubernetes.io/name") == "llmd-probe"]  # fmt: skip


def _collection(path: str) -> str:
    parts = (path + "||").split("|")
    return "|".join([parts[0], parts[1], ""])


def service(api: Api, **status: Any) -> None:
    status = status or {"url": "http://g/n/s", "conditions": [{"type": "Ready", "status": "True"}]}
    api.put(
        "LLMInferenceService",
        {"metadata": {"name": "s"}, "spec": {"model": {"name": "m"}, "replicas": 2}, "status": status},
        "n",
    )
    for name, labels in (("e0", pods.ENGINE_LABELS), ("e1", pods.ENGINE_LABELS), ("p0", pods.PICKER_LABELS)):
        pod = {"metadata": {"name": name, "labels": {**labels, "app.kubernetes.io/name": "s"}},
               "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}}  # fmt: skip
        api.put("Pod", pod, "n")


def orders(**more: Any) -> Orders:
    return Orders(
        **{
            "namespace": "n",
            "name": "s",
            "api_version": "serving.kserve.io/v1alpha1",
            "image": IMAGE,
            "seconds": 60,
            **more,
        }
    )


def test_measures_and_leaves_nothing() -> None:
    api = Api()
    service(api)
    found = Probe(api, orders()).run()
    assert found["document"] == {"format": 1, "faults": {}} and found["replicas"] == 2 and found["model"] == "m"
    assert [e["name"] for e in found["engines"]] == ["e0", "e1"] and found["pickers"][0]["ready"]
    assert set(api.made) == {
        "ServiceAccount",
        "Secret",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "Pod",
    }
    assert api.left() == []


def disaggregated(api: Api) -> None:
    service(api)
    api.objects["LLMInferenceService"]["n/s"]["spec"].update(prefill={"replicas": 1}, replicas=1)
    for name, role in (("e0", "prefill"), ("e1", "decode")):
        api.objects["Pod"][f"n/{name}"]["metadata"]["labels"][pods.ROLE] = role


def test_logs_of_the_pods_that_answer_are_read_for_evidence_only() -> None:
    api = Api()
    disaggregated(api)
    asked: list[tuple[str, str, str | None, int | None]] = []

    def logs(namespace: str, pod: str, container: str | None = None, tail: int | None = None, most_bytes: int | None = None) -> str:
        if container == "client":
            return api.log
        asked.append((namespace, pod, container, most_bytes))
        return "secret: nothing\n[1.2] [e1:1    :0]  | ucp_context_0 inter-node cfg#1 | remote memory read |\n[1.2] [e1:1    :0]  | 0..inf | zero-copy | tcp/eth0 |\n"

    api.logs = logs  # type: ignore[method-assign]
    found = Probe(api, orders(path="pd_disaggregation")).run()
    assert asked == [("n", "e1", "main", ENGINE_LOG_BYTES)]
    (line,) = found["logs"]["e1"]["lines"]
    assert "tcp/eth0" in line and found["prefill_replicas"] == 1
    assert [e["role"] for e in found["engines"]] == ["prefill", "decode"]


def test_a_log_that_cannot_be_read_is_said() -> None:
    api = Api()
    disaggregated(api)

    def logs(namespace: str, pod: str, container: str | None = None, tail: int | None = None, most_bytes: int | None = None) -> str:
        if container == "client":
            return api.log
        raise Forbidden("Can't read the log", pod, "no right to get pods/log", "Grant it.")

    api.logs = logs  # type: ignore[method-assign]
    assert Probe(api, orders(path="pd_disaggregation")).run()["logs"] == {"e1": {"error": "no right to get pods/log"}}


def test_groups_are_seen_with_their_workers() -> None:
    api = Api()
    service(api)
    for index, name in enumerate(("g-0", "g-0-1")):
        labels = {**(pods.ENGINE_LABELS if not index else pods.COMMON_LABELS), "app.kubernetes.io/name": "s", f"{pods.GROUPS}name": "s-mn",
                  f"{pods.GROUPS}group-index": "0", f"{pods.GROUPS}worker-index": str(index)}  # fmt: skip
        api.put("Pod", {"metadata": {"name": name, "labels": labels}, "status": {"podIP": "10.0.0.2"}}, "n")
    found = Probe(api, orders(path="wide_expert_parallelism")).run()
    assert [(m["name"], m["index"]) for m in found["members"]] == [("g-0", 0), ("g-0-1", 1)]
    assert "g-0-1" not in [e["name"] for e in found["engines"]], "only the leader serves"


def test_it_keeps_the_lock_while_it_measures() -> None:
    api, beats = Api(), []
    service(api)
    Probe(api, orders(), beat=lambda: beats.append(1)).run()
    assert beats


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Pending", "containerStatuses": [{"name": "client", "state": {"waiting": {"reason": "InvalidImageName", "message": "bad"}}}]},
         "InvalidImageName"),
        ({"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long"}, "DeadlineExceeded"),
    ],
)  # fmt: skip
def test_a_pod_that_fails_is_explained_and_removed(
    status: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.llmd.openshift.plugins.module_utils._wait.pods.PULL_GRACE", 0.2)
    api = Api(status)
    service(api)
    with pytest.raises(ProbeError, match=words):
        Probe(api, orders()).run()
    assert api.left() == []


@pytest.mark.parametrize("kind", ["Role", "ClusterRole", "ConfigMap", "Pod"])
def test_a_refusal_half_way_leaves_nothing(kind: str) -> None:
    api = Api()
    service(api)
    api.refuse[kind] = Forbidden("No right", kind, "403", "Grant it.")
    with pytest.raises(Forbidden):
        Probe(api, orders()).run()
    assert api.left() == []


@pytest.mark.parametrize("kind", ["TokenRequest", "Secret"])
def test_without_the_right_to_make_tokens_the_third_refusal_is_left_out(kind: str) -> None:
    api = Api()
    service(api)
    api.refuse[kind] = Forbidden("w", "x", "y", "z")
    Probe(api, orders()).run()
    assert "Secret" not in api.made and api.left() == []


def test_what_cannot_be_deleted_is_told() -> None:
    api = Api()
    service(api)
    api.refuse["delete"] = Unreachable("w", "x", "no answer", "z")
    probe = Probe(api, orders())
    probe.run()
    assert len(probe.left_behind) == len(api.made) and "no answer" in probe.left_behind[0]


def test_leftovers_of_a_killed_run_are_swept_but_only_ours() -> None:
    api = Api()
    service(api)
    old = {"name": "llmd-probe-old", "labels": dict(objects.LABELS)}
    api.put("Pod", {"metadata": dict(old)}, "n")
    api.put("ClusterRole", {"metadata": {**old, "annotations": {objects.NAMESPACE_ANNOTATION: "n"}}})
    api.put(
        "ClusterRole",
        {"metadata": {**old, "name": "llmd-probe-there", "annotations": {objects.NAMESPACE_ANNOTATION: "other"}}},
    )
    api.put("Pod", {"metadata": {"name": "theirs", "labels": {"app": "x"}}}, "n")
    Probe(api, orders()).run()
    assert api.left() == ["ClusterRole /llmd-probe-there"]
    assert "n/theirs" in api.objects["Pod"]


def test_a_log_without_a_document_says_so() -> None:
    api = Api()
    service(api)
    api.log = "sh: python3: not found\n"
    with pytest.raises(ProbeError, match="python3"):
        Probe(api, orders()).run()


def test_no_service_no_url_no_kind() -> None:
    api = Api()
    with pytest.raises(ProbeError, match="doesn't exist"):
        Probe(api, orders()).run()
    service(api, url="", conditions=[])
    with pytest.raises(ProbeError, match="no usable URL"):
        Probe(api, orders()).run()
    assert api.left() == []
    api.missing.add("LLMInferenceService")
    with pytest.raises(ProbeError):
        Probe(api, orders()).run()


@pytest.mark.parametrize(
    ("change", "words"),
    [({"image": "tools:latest"}, "digest"), ({"seconds": 10}, "too few"), ({"requests": 3}, "too few")],
)
def test_bad_orders(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ProbeError, match=words):
        orders(**change)


def test_the_pod_asks_for_no_privilege() -> None:
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "x", "uid": "1"}
    config = objects.config("x", "n", client_script(), {}, "pem", owner)
    spec = objects.pod("x", "n", IMAGE, 60, True, owner, config)["spec"]
    files = {i["path"] for i in spec["volumes"][0]["configMap"]["items"]}
    assert {"client/__main__.py", "client/service.py", "plan.json", "gateway-ca.crt"} <= files and len(files) == len(config["data"])
    container = spec["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"] and "runAsUser" not in spec["securityContext"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert (
        not container["securityContext"]["allowPrivilegeEscalation"]
        and container["securityContext"]["readOnlyRootFilesystem"]
    )
    assert not any("hostPath" in v for v in spec["volumes"]) and not spec.get("hostNetwork")
    assert objects.role("x", "n", "s", owner)["rules"][0]["resourceNames"] == ["s"]


def test_the_token_is_in_no_config_map() -> None:
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "x", "uid": "1"}
    text = json.dumps(objects.config("x", "n", client_script(), {"token_file": "/x"}, "", owner))
    assert "t0ken" not in text and "def measure" in text and len(text) < 200_000
