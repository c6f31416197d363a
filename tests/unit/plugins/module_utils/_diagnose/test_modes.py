# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every failure mode of data/diagnosis.yml: what shows it, and that a healthy path shows none."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import expressions, files
from ansible_collections.llmd.openshift.plugins.module_utils._diagnose import hops, judge, match

MODES = files.load(files.ROOT / "diagnosis.yml", "diagnosis")["modes"]
BY_ID = {row["id"]: row for row in MODES}


def obj(kind: str, name: str = "one", **rest: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "llmd"}, **rest}


def conditions(*rows: tuple[str, str, str, str]) -> dict[str, Any]:
    return {"conditions": [{"type": t, "status": s, "reason": r, "message": m} for t, s, r, m in rows]}


def pod(group: str, waiting: str = "", ready: bool = True, **rest: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting, "message": rest.pop("message", "")}} if waiting else {"running": {}}
    status = {"phase": "Running", "containerStatuses": [{"name": "main", "state": state, "restartCount": 5 if waiting else 0, **rest.pop("status", {})}]}
    status["conditions"] = [{"type": "Ready", "status": "True" if ready and not waiting else "False", "reason": "", "message": ""}, *rest.pop("conditions", [])]
    return {"kind": "Pod", "group": group, "metadata": {"name": f"{group}-0", "namespace": "llmd"}, "spec": {"nodeName": "gpu-0"}, "status": status}


def healthy() -> dict[str, Any]:
    """A path in order: every hop has something to look at."""
    true = conditions(("Ready", "True", "", ""), ("Accepted", "True", "", ""), ("Programmed", "True", "", ""))
    parents = {"parents": [{"conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]}]}
    return {
        "service": {"namespace": "llmd", "name": "llmd"},
        "objects": {
            "LLMInferenceService": [obj("LLMInferenceService", "llmd", status={**conditions(("Ready", "True", "", "")), "url": "https://x"})],
            "Gateway": [obj("Gateway", "openshift-ai-inference", status={**true, "addresses": [{"value": "10.0.0.1"}]})],
            "GatewayClass": [obj("GatewayClass", status=true)],
            "HTTPRoute": [obj("HTTPRoute", status=parents)],
            "InferencePool": [obj("InferencePool", status=parents)],
            "AuthPolicy": [obj("AuthPolicy", status=conditions(("Accepted", "True", "", ""), ("Enforced", "True", "", "")))],
            "ClusterPolicy": [obj("ClusterPolicy", status={"state": "ready"})],
            "SriovNetworkNodeState": [obj("SriovNetworkNodeState", "gpu-0", status={"syncStatus": "Succeeded"})],
            # A newer version that waits for approval is no trouble: site pins each operator to the version that it has tested.
            "Subscription": [obj("Subscription", "nfd", status={"state": "UpgradePending", "installedCSV": "nfd.4.20.0"})],
            "InstallPlan": [obj("InstallPlan", status={"phase": "RequiresApproval"})],
            "MachineConfigPool": [obj("MachineConfigPool", "worker", status=conditions(("Updated", "True", "", ""), ("NodeDegraded", "False", "", "")))],
        },
        "pods": [pod("engine"), pod("picker"), pod("gateway"), pod("driver")],
        "events": [],
        "logs": [{"group": "engine", "namespace": "llmd", "pod": "engine-0", "container": "main", "previous": False, "text": "INFO: Application startup complete."}],
        "snapshot": {
            "openshift": {"upgrading": False},
            "nodes": [{"name": "gpu-0", "ready": True, "schedulable": True, "labels": {}, "accelerators": {"count": 8, "vendor": "nvidia"}}],
        },
        "proof": {"status": "proven", "checks": [{"id": "proof-picker-alive", "status": "pass", "observed": "1 of 1 ready", "deciding": True}]},
        "nodes_short_of_gpus": [],
        "ports_down": [],
        "unreadable": [],
    }


def log(group: str, text: str) -> dict[str, Any]:
    return {"logs": [{"group": group, "namespace": "llmd", "pod": f"{group}-0", "container": "main", "previous": False, "text": f"before\n{text}\nafter"}]}


def failing(id_: str, observed: str = "no") -> dict[str, Any]:
    return {"proof": {"checks": [{"id": id_, "status": "fail", "observed": observed, "deciding": True}]}}


def objects(*found: dict[str, Any]) -> dict[str, Any]:
    return {"objects": {one["kind"]: [one] for one in found}}


def event(reason: str, message: str, kind: str = "Pod") -> dict[str, Any]:
    return {"events": [{"kind": kind, "namespace": "llmd", "name": "x", "reason": reason, "message": message, "count": 3, "last": "t"}]}


def node(**change: Any) -> dict[str, Any]:
    base = copy.deepcopy(healthy()["snapshot"]["nodes"][0])
    return {"snapshot": {"openshift": {"upgrading": False}, "nodes": [{**base, **change}]}}


def service(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return objects(obj("LLMInferenceService", "llmd", status=conditions((kind, status, reason, message))))


def unscheduled(message: str) -> dict[str, Any]:
    return {"pods": [pod("engine", ready=False, conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])]}


# What each mode looks like; the texts are the products' own.
SHOWN: dict[str, dict[str, Any]] = {
    "cluster-upgrading": {"snapshot": {"openshift": {"upgrading": True}, "nodes": []}},
    "node-not-ready": node(ready=False),
    "pool-degraded": objects(obj("MachineConfigPool", status=conditions(("NodeDegraded", "True", "1 nodes are reporting degraded status on sync", "unexpected on-disk state")))),
    "drain-blocked": event("FailedToDrain", "failed to drain node: gpu-0 after 1 hour", "Node"),
    "cordoned": node(schedulable=False),
    "csv-failed": objects(obj("ClusterServiceVersion", status={"phase": "Failed"})),
    "unpack-failed": objects(obj("Subscription", status=conditions(("BundleUnpackFailed", "True", "BundleUnpackFailed", "Job was active longer than specified deadline")))),
    "resolution-failed": objects(obj("Subscription", status=conditions(("ResolutionFailed", "True", "ConstraintsNotSatisfiable", "no operators found")))),
    "plan-waits": objects(obj("Subscription", "cert-manager", status={"state": "UpgradePending"})),
    "catalog-down": objects(obj("CatalogSource", status={"connectionState": {"lastObservedState": "TRANSIENT_FAILURE"}})),
    "nouveau-loaded": log("driver", "NVRM: This can occur when a driver such as: nouveau, rivafb, nvidiafb or rivatv was loaded"),
    "secure-boot": log("driver", "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service"),
    "driver-build-failed": log("driver", "ERROR: The nvidia kernel module was not created."),
    "driver-in-use": log("driver", "Could not unload NVIDIA driver kernel modules, driver is in use"),
    "driver-no-device": log("driver", "modprobe: ERROR: could not insert 'nvidia': No such device"),
    "driver-not-ready": {"pods": [pod("driver", "CrashLoopBackOff")]},
    "mig-failed": node(labels={"nvidia.com/mig.config.state": "failed"}),
    "gpu-missing": {"nodes_short_of_gpus": ["node gpu-0 offers 7 of 8 nvidia.com/gpu"]},
    "fabric-sync-failed": objects(obj("SriovNetworkNodeState", "gpu-0", status={"syncStatus": "Failed", "lastSyncError": "totalVfs 0"})),
    "fabric-sync-stuck": objects(obj("SriovNetworkNodeState", "gpu-0", status={"syncStatus": "InProgress"})),
    "fabric-link-down": {"ports_down": ["ens1f0 of node gpu-0"]},
    "mofed-not-ready": log("fabric", "[ERROR] ib_uverbs is in use by: irdma"),
    "network-missing": event("FailedCreate", 'admission webhook "network-resources-injector-config.k8s.io" denied the request: could not find network attachment definition llmd/llmd-rail0'),
    "platform-not-ready": objects(obj("DataScienceCluster", status=conditions(("Ready", "False", "Error", "kserve")))),
    "lws-missing": service("WorkloadsReady", "False", "ReconcileMultiNodeWorkloadError", 'no matches for kind "LeaderWorkerSet"'),
    "preset-missing": service("PresetsCombined", "False", "ConfigNotFound", '"config-llm-prefill-template" not found'),
    "disk-trouble": objects(obj("LVMCluster", status={"state": "Degraded"})),
    "no-storage-class": event("FailedBinding", "no persistent volumes available for this claim and no storage class is set", "PersistentVolumeClaim"),
    "volume-pending": unscheduled("0/6 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
    "model-no-access": log("engine", "401 Client Error. Cannot access gated repo for url https://huggingface.co/x"),
    "model-not-found": log("engine", "404 Client Error: Not Found for url https://huggingface.co/api/models/x"),
    "image-not-pulled": {"pods": [pod("engine", "ImagePullBackOff", message="manifest unknown")]},
    "rank-missing": log("engine", "DEBUG Waiting for 0 local, 1 remote core engine proc(s) to connect."),
    "unknown-argument": log("engine", "vllm serve: error: unrecognized arguments: --kv-ofload 8"),
    "out-of-memory": log("engine", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"),
    "memlock": log("engine", "ibv_reg_mr(address=0x7f) failed: Cannot allocate memory"),
    "gpu-cannot-post": log("engine", "RuntimeError: src/host/transport/transport.cpp:nvshmemi_transport_init:275: init failed for transport: IBGDA"),
    "capability-refused": event("FailedCreate", "pods \"x\" is forbidden: unable to validate against any security context constraint: [capability may not be added]", "ReplicaSet"),
    "secret-missing": {"pods": [pod("engine", "CreateContainerConfigError", message='secret "hf" not found')]},
    "pod-unschedulable": unscheduled("0/6 nodes are available: 6 Insufficient nvidia.com/gpu."),
    "nixl-host": log("engine", "RuntimeError: Remote NIXL agent engine ID mismatch. Expected a,received b."),
    "nixl-port": log("engine", "zmq.error.ZMQError: Address already in use (addr='tcp://*:5557')"),
    "kv-transfer-failed": log("engine", "NIXL transfer setup/initiation failed for request 7. Marking blocks as invalid."),
    "tcp-fallback": failing("proof-pd-transport", "tcp"),
    "offload-silent": failing("proof-offload-stored"),
    "service-crash": {"pods": [pod("engine", "CrashLoopBackOff")]},
    "model-loading": {**log("engine", "Loading safetensors checkpoint shards:  25% Completed"), "pods": [pod("engine", ready=False)]},
    "picker-flag": log("picker", "flag provided but not defined: -poolName"),
    "picker-down": {"pods": [pod("picker", "CrashLoopBackOff")]},
    "picker-blind": log("picker", "failed to refresh metrics: x509: certificate signed by unknown authority"),
    "auth-policy-crd-missing": service("HTTPRoutesReady", "False", "HTTPRouteReconcileError", "AuthPolicy CRD is not available"),
    "kuadrant-not-ready": objects(obj("Kuadrant", status=conditions(("Ready", "False", "MissingDependency", "Gateway API provider not installed")))),
    "auth-not-enforced": objects(obj("AuthPolicy", status=conditions(("Accepted", "True", "", ""), ("Enforced", "False", "Unknown", "AuthSchemeNotReady")))),
    "route-not-allowed": objects(obj("HTTPRoute", status={"parents": [conditions(("Accepted", "False", "NotAllowedByListeners", "no"))]})),
    "route-backend": objects(obj("HTTPRoute", status={"parents": [conditions(("ResolvedRefs", "False", "InvalidKind", "no"))]})),
    "route-missing": service("HTTPRoutesReady", "False", "RefsInvalid", "HTTPRoute x not found"),
    "gateway-no-class": objects(obj("GatewayClass", status=conditions(("Accepted", "Unknown", "Pending", "waiting for controller")))),
    "gateway-no-address": objects(obj("Gateway", "openshift-ai-inference", status=conditions(("Programmed", "False", "AddressNotAssigned", "no address")))),
    "gateway-missing": objects(obj("Gateway", "other", status=conditions(("Programmed", "True", "", "")))),
    "gateway-crash": {"pods": [pod("gateway", status={"lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}})]},
    "model-name": failing("proof-models", "the service lists granite, llama was asked for"),
    "service-missing": {"objects": {"LLMInferenceService": []}},
}


def broken(change: dict[str, Any]) -> dict[str, Any]:
    """The healthy path with one thing broken."""
    found = healthy()
    for key, value in change.items():
        found[key] = {**found[key], **value} if isinstance(value, dict) and key in ("objects",) else value
    return found


def test_every_mode_has_a_case() -> None:
    assert set(SHOWN) == set(BY_ID)


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_the_sign_shows_the_mode_and_a_healthy_path_does_not(name: str) -> None:
    lines = match.seen(BY_ID[name], broken(SHOWN[name]))
    assert lines, "its own sign isn't seen"
    assert match.seen(BY_ID[name], healthy()) == []


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_the_mode_is_the_likely_cause(name: str) -> None:
    """Alone in an otherwise healthy path, and before all that only follows from it."""
    found = judge.judge(broken(SHOWN[name]), MODES, ["gpu-0"], [])
    assert found["status"] == "found"
    assert found["cause"]["id"] == name, [found["cause"]["id"], *(row["id"] for row in found["also"])]


def test_a_healthy_path_is_fine() -> None:
    found = judge.judge(healthy(), MODES, ["gpu-0"], [])
    assert (found["status"], found["cause"], found["also"]) == ("fine", None, [])


def test_what_a_cause_explains_comes_after_it() -> None:
    change = {**log("driver", "a driver such as: nouveau"), "pods": [pod("driver", "CrashLoopBackOff"), *unscheduled("6 Insufficient nvidia.com/gpu")["pods"]],
              "nodes_short_of_gpus": ["node gpu-0 offers 0 of 8 nvidia.com/gpu"]}  # fmt: skip
    found = judge.judge(broken(change), MODES, ["gpu-0"], [])
    assert found["cause"]["id"] == "nouveau-loaded"
    assert {"driver-not-ready", "gpu-missing", "pod-unschedulable"} <= {row["id"] for row in found["also"]}


def test_trouble_that_a_container_has_left_behind_is_no_cause() -> None:
    """The log of a life before the last restart counts only while the container still isn't well."""
    change = log("engine", "vllm serve: error: unrecognized arguments: --x")
    change["logs"][0] |= {"previous": True, "over": True}
    assert judge.judge(broken(change), MODES, ["gpu-0"], [])["status"] == "fine"
    change["logs"][0]["over"] = False
    assert judge.judge(broken(change), MODES, ["gpu-0"], [])["cause"]["id"] == "unknown-argument"
    ended = {"terminated": {"reason": "Error", "exitCode": 1}}
    for ready, status in ((True, "fine"), (False, "found")):
        found = judge.judge(broken({"pods": [*healthy()["pods"], pod("picker", status={"ready": ready, "lastState": ended})]}), MODES, ["gpu-0"], [])
        assert found["status"] == status


def test_what_only_our_requests_met_comes_after_what_the_cluster_shows() -> None:
    change = {**failing("proof-picker-alive"), **objects(obj("Gateway", "openshift-ai-inference", status=conditions(("Programmed", "False", "AddressNotAssigned", "none"))))}
    found = judge.judge(broken(change), MODES, ["gpu-0"], [])
    assert [found["cause"]["id"], *(row["id"] for row in found["also"])] == ["gateway-no-address", "picker-down"]


def test_trouble_without_a_row_is_told_in_its_own_words() -> None:
    state = conditions(("Ready", "False", "SomethingNew", "the moon is in the way"))
    found = judge.judge(broken(objects(obj("LLMInferenceService", "llmd", status=state))), MODES, ["gpu-0"], [])
    assert found["status"] == "unrecognised"
    assert "the moon is in the way" in found["cause"]["cause"]


def test_what_could_not_be_read_is_never_fine() -> None:
    blind = {**healthy(), "objects": {}, "pods": [], "proof": {}, "unreadable": [{"what": "llminferenceservices.serving.kserve.io", "why": "forbidden"}]}
    found = judge.judge(blind, MODES, ["gpu-0"], [])
    assert found["status"] == "unknown"
    assert "forbidden" in next(hop for hop in found["hops"] if hop["hop"] == "service")["lines"][0]


def test_rows_are_sound() -> None:
    """Each row's hop exists, what it explains exists, and expressions can be read."""
    for row in MODES:
        assert row["hop"] in hops.ORDER
        assert set(row.get("explains") or []) <= set(BY_ID), row["id"]
        for sign in row["signs"]:
            if "expression" in sign:
                assert expressions.trouble(sign["expression"]["find"]) is None, row["id"]
