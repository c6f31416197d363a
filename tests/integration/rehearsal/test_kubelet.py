# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process kubelet as plain kubectl sees it: pods with a script, volumes, probes, sidecars, Jobs, vLLM by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.conftest import DOWNLOAD

pytestmark = pytest.mark.rehearsal
NAMESPACE = "kubelet-test"
VLLM = "registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:e6a64e3e"


class Cluster:
    """A namespace of the test's own on the rehearsal."""

    def __init__(self, rehearsal: Any) -> None:
        self.rehearsal = rehearsal
        self.tools = rehearsal.tools

    def run(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        return str(self.rehearsal.kubectl("-n", NAMESPACE, *args, stdin=stdin, check=check))

    def create(self, *objects: dict[str, Any]) -> None:
        for obj in objects:
            self.run("apply", "-f", "-", stdin=json.dumps(obj))

    def pod(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.run("get", "pod", name, "-o", "json")))

    def wait(self, name: str, what: Callable[[dict[str, Any]], Any], seconds: float = 60.0) -> dict[str, Any]:
        """The pod as soon as ``what`` is true of it."""
        end = time.monotonic() + seconds
        while True:
            pod = self.pod(name)
            if what(pod):
                return pod
            assert time.monotonic() < end, json.dumps(pod["status"], indent=1)
            time.sleep(0.3)

    def script(self, name: str, script: str, **more: Any) -> dict[str, Any]:
        """A pod that runs a shell script in the tools image; ``more`` goes to the pod's spec, ``container`` to its container."""
        container = {"name": "c", "image": self.tools, "command": ["/bin/bash", "-c", script], **more.pop("container", {})}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **more}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


@pytest.fixture(scope="module")
def cluster(rehearsal: Any) -> Iterator[Cluster]:
    rehearsal.kubectl("create", "namespace", NAMESPACE, check=False)
    made = Cluster(rehearsal)
    end = time.monotonic() + 30
    while made.run("get", "serviceaccount", "default", check=False).startswith("Error") and time.monotonic() < end:
        time.sleep(0.2)
    yield made
    rehearsal.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def phase(wanted: str) -> Callable[[dict[str, Any]], bool]:
    return lambda pod: pod["status"].get("phase") == wanted


def state(pod: dict[str, Any], index: int = 0) -> dict[str, Any]:
    statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
    return dict(statuses[index])


def test_a_script_has_environment_token_logs_and_exit_code(cluster: Cluster) -> None:
    script = (
        "echo hello $(NAME); echo oops >&2; echo -n sad > /dev/termination-log; cat /etc/hosts | grep kubernetes.default.svc; "
        "curl -sS --cacert $T/ca.crt -H \"Authorization: Bearer $(cat $T/token)\" https://kubernetes.default.svc/api/v1/namespaces/$(cat $T/namespace)/pods | "
        "grep -c forbidden; exit 7"
    )
    env = [{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
           {"name": "T", "value": "/var/run/secrets/kubernetes.io/serviceaccount"}]
    cluster.create(cluster.script("script", script, container={"env": env}))
    pod = cluster.wait("script", phase("Failed"))
    ended = state(pod)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (7, "Error", "sad")
    assert pod["status"]["podIP"].startswith("10.244.")
    log = cluster.run("logs", "script")
    assert "hello script" in log and "oops" in log and "10.96.0.1" in log
    assert log.rstrip().endswith(("1", "2", "3"))  # the ServiceAccount's own token reached the API and RBAC refused
    assert cluster.run("logs", "script", "--tail=1", "--timestamps")[:2] == "20"


def test_a_crashing_container_backs_off_and_keeps_its_previous_log(cluster: Cluster) -> None:
    cluster.create(cluster.script("crash", "echo run; exit 3", restartPolicy="Always"))
    pod = cluster.wait("crash", lambda p: (state(p)["state"].get("waiting") or {}).get("reason") == "CrashLoopBackOff")
    assert state(pod)["restartCount"] >= 1 and state(pod)["lastState"]["terminated"]["exitCode"] == 3
    assert "back-off 10s restarting failed container=c" in state(pod)["state"]["waiting"]["message"]
    assert cluster.run("logs", "crash", "--previous") == "run\n"
    assert "BackOff" in cluster.run("get", "events", "--field-selector", "involvedObject.name=crash")


def test_a_changed_secret_reaches_the_running_container(cluster: Cluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "live"}, "stringData": {"key": "old"}}
    script = "cat /s/key; until grep -q new /s/key; do sleep 0.2; done; cat /s/key; touch /s/x 2>/dev/null || echo read-only"
    mounts = {"volumeMounts": [{"name": "s", "mountPath": "/s", "readOnly": True}]}
    cluster.create(secret, cluster.script("secret", script, volumes=[{"name": "s", "secret": {"secretName": "live"}}], container=mounts))
    cluster.wait("secret", lambda p: "running" in state(p)["state"])
    cluster.create({**secret, "stringData": {"key": "new"}})
    cluster.wait("secret", phase("Succeeded"))
    assert cluster.run("logs", "secret") == "oldnewread-only\n"


def test_what_is_missing_is_told_and_repaired(cluster: Cluster) -> None:
    env = {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "later", "key": "k"}}}]}
    cluster.create(cluster.script("waits", "echo $X", container=env))
    pod = cluster.wait("waits", lambda p: "waiting" in state(p)["state"] and state(p)["state"]["waiting"]["reason"] != "ContainerCreating")
    assert state(pod)["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": 'secret "later" not found'}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later"}, "stringData": {"k": "here"}})
    cluster.wait("waits", phase("Succeeded"))
    assert cluster.run("logs", "waits") == "here\n"


def test_a_program_that_isnt_there_and_a_host_path_are_refused(cluster: Cluster) -> None:
    wrong = cluster.script("noprogram", "", container={"command": ["no-such-program"]})
    forbidden = cluster.script("hostpath", "true", volumes=[{"name": "h", "hostPath": {"path": "/etc"}}])
    cluster.create(wrong, forbidden)
    pod = cluster.wait("noprogram", lambda p: "waiting" in state(p)["state"] and state(p)["state"]["waiting"]["reason"] == "CreateContainerError")
    assert "executable file `no-such-program` not found in $PATH" in state(pod)["state"]["waiting"]["message"]
    end = time.monotonic() + 30
    while "no volumes of kind hostPath" not in (events := cluster.run("get", "events", "--field-selector", "involvedObject.name=hostpath")):
        assert time.monotonic() < end, events
        time.sleep(0.5)


def test_a_failing_liveness_probe_restarts_the_container(cluster: Cluster) -> None:
    probe = {"livenessProbe": {"exec": {"command": ["test", "-e", "/tmp/ok"]}, "periodSeconds": 1, "failureThreshold": 2}}
    cluster.create(cluster.script("probed", "touch /tmp/ok; sleep 2; rm /tmp/ok; sleep 100", restartPolicy="Always", container=probe))
    pod = cluster.wait("probed", lambda p: state(p).get("restartCount", 0) >= 1)
    assert state(pod)["lastState"]["terminated"]["exitCode"] == 137
    assert "failed liveness probe, will be restarted" in cluster.run("get", "events", "--field-selector", "involvedObject.name=probed")


def test_a_job_ends_although_its_sidecar_never_would(cluster: Cluster) -> None:
    shared = {"volumeMounts": [{"name": "e", "mountPath": "/e"}]}
    pod = cluster.script("job", "cat /e/from-init; curl -sS http://127.0.0.1:9000/ | head -1", volumes=[{"name": "e", "emptyDir": {}}], container=shared)
    pod["spec"]["initContainers"] = [
        {"name": "first", "image": cluster.tools, "command": ["sh", "-c", "echo from-init > /e/from-init"], **shared},
        {"name": "side", "image": cluster.tools, "restartPolicy": "Always", "command": ["python3", "-m", "http.server", "9000"],
         "startupProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 1}},
    ]
    template = {"metadata": {"labels": {"app": "job"}}, "spec": pod["spec"]}
    cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": {"template": template, "backoffLimit": 0}})
    cluster.run("wait", "--for=condition=Complete", "job/job", "--timeout=60s")
    assert cluster.run("logs", "-l", "app=job", "-c", "c").startswith("from-init\n<!DOCTYPE")


def test_a_services_address_leads_to_its_ready_pod(cluster: Cluster) -> None:
    server = cluster.script("web", "exec python3 -m http.server 8080", container={"readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1}})
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}
    client = "until curl -sS -m 2 -o /dev/null http://web.kubelet-test.svc/; do sleep 0.3; done; echo reached; curl -sS -m 2 http://web:81/ || echo refused"
    cluster.create(service, server, cluster.script("client", client))
    cluster.wait("client", phase("Succeeded"))
    assert "reached\n" in (log := cluster.run("logs", "client")) and "refused\n" in log


def model_pod(name: str, uri: str, flags: str, gpus: int = 1) -> dict[str, Any]:
    """vLLM as KServe's preset starts it: a script of the pod's own, on a node of its choice (nothing schedules GPUs on a bare cluster)."""
    mounts = [{"name": "m", "mountPath": "/mnt/models"}, {"name": "home", "mountPath": "/home"}, {"name": "shm", "mountPath": "/dev/shm"}]
    main = {
        "name": "main", "image": VLLM, "command": ["/bin/bash", "-c", 'eval "exec vllm serve /mnt/models --port 8000 ${VLLM_ADDITIONAL_ARGS}"'],
        "env": [{"name": "VLLM_ADDITIONAL_ARGS", "value": flags}, {"name": "HOME", "value": "/home"}], "volumeMounts": mounts,
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}, "terminationMessagePolicy": "FallbackToLogsOnError",
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
    }
    spec = {
        "nodeName": "gpu-0", "terminationGracePeriodSeconds": 1, "containers": [main],
        "volumes": [{"name": "m", "emptyDir": {}}, {"name": "home", "emptyDir": {}}, {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
        "initContainers": [{"name": "storage-initializer", "image": DOWNLOAD, "args": [uri, "/mnt/models"], "volumeMounts": mounts[:1],
                            "terminationMessagePolicy": "FallbackToLogsOnError"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def test_vllm_serves_what_was_downloaded(cluster: Cluster) -> None:
    cluster.create(model_pod("vllm", "hf://Qwen/Qwen3-8B", "--served-model-name q other/q --max-model-len 4096"))
    pod = cluster.wait("vllm", lambda p: state(p).get("ready"))
    body = json.dumps({"model": "q", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
    cluster.create(cluster.script("ask", f"curl -sS http://{pod['status']['podIP']}:8000/v1/chat/completions -H 'content-type: application/json' -d '{body}'"))
    cluster.wait("ask", phase("Succeeded"))
    assert json.loads(cluster.run("logs", "ask"))["usage"]["total_tokens"] > 0
    assert "vLLM API server version 0.13.0" in cluster.run("logs", "vllm")


@pytest.mark.parametrize(("name", "uri", "flags", "gpus", "where", "words"), [
    ("unknown-flag", "hf://Qwen/Qwen3-8B", "--no-such-flag 1", 1, "containerStatuses", "unrecognized arguments: --no-such-flag 1"),
    ("too-new-flag", "hf://Qwen/Qwen3-8B", "--shutdown-timeout 4", 1, "containerStatuses", "unrecognized arguments: --shutdown-timeout 4"),
    ("no-gpu", "hf://Qwen/Qwen3-8B", "", 0, "containerStatuses", "Failed to infer device type"),
    ("gated", "hf://meta-llama/Llama-3.1-8B-Instruct", "", 1, "initContainerStatuses", "Set HF_TOKEN or request access"),
])
def test_what_vllm_or_the_download_would_refuse(cluster: Cluster, name: str, uri: str, flags: str, gpus: int, where: str, words: str) -> None:
    cluster.create(model_pod(name, uri, flags, gpus))
    pod = cluster.wait(name, lambda p: ((p["status"].get(where) or [{}])[0].get("lastState") or {}).get("terminated"))
    assert words in pod["status"][where][0]["lastState"]["terminated"]["message"]


def test_a_model_in_an_image_is_found_through_shared_process_ids(cluster: Cluster) -> None:
    pod = model_pod("oci", "unused", "--served-model-name q")
    link = "ln -sf /proc/$$$$/root/models /mnt/models && sleep infinity"
    check = "[ -d /models ] && [ \"$$(ls -A /models)\" ] && echo OK || exit 1"
    volume = [{"name": "m", "mountPath": "/mnt"}]
    image = "quay.io/example/model:1"
    pod["spec"].update(shareProcessNamespace=True, initContainers=[{"name": "modelcar-init", "image": image, "args": ["sh", "-c", check]}])
    pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = "/mnt"
    pod["spec"]["containers"].append({"name": "modelcar", "image": image, "args": ["sh", "-c", link], "volumeMounts": volume})
    cluster.create(pod)
    cluster.wait("oci", lambda p: len(p["status"].get("containerStatuses") or []) == 2 and all(c["ready"] for c in p["status"]["containerStatuses"]))


@contextmanager
def scenario(cluster: Cluster, faults: dict[str, Any]) -> Iterator[None]:
    """Put faults into the running rehearsal, and take them out again."""
    path = cluster.rehearsal.state / "run" / "settings.json"
    before = path.read_text()
    settings = json.loads(before)
    settings["scenario"] = {**(settings["scenario"] or {}), **faults}
    path.write_text(json.dumps(settings))
    try:
        yield
    finally:
        path.write_text(before)


def test_faults_strike_and_are_repaired_when_taken_out(cluster: Cluster) -> None:
    probe = {"readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 1}}
    server = cluster.script("victim", "exec python3 -m http.server 8080", restartPolicy="Always", container=probe)
    with scenario(cluster, {"pods": [{"image": cluster.tools.rpartition("@")[2], "action": "hang", "after_seconds": 1}]}):
        cluster.create(server)
        cluster.wait("victim", lambda p: state(p).get("ready"))
        cluster.wait("victim", lambda p: state(p).get("ready") is False)
    cluster.wait("victim", lambda p: state(p).get("ready"))
    with scenario(cluster, {"image_pull_failures": ["rhaiis/vllm"]}):
        cluster.create(model_pod("unpullable", "hf://Qwen/Qwen3-8B", ""))
        cluster.wait("unpullable", lambda p: (state(p)["state"].get("waiting") or {}).get("reason") == "ImagePullBackOff")
    cluster.wait("unpullable", lambda p: state(p).get("ready"))


def test_commands_run_in_real_pods(cluster: Cluster) -> None:
    assert cluster.run("exec", "vllm", "--", "ls", "/mnt/models").split().count("config.json") == 1
    assert cluster.run("exec", "-i", "vllm", "--", "cat", stdin="through\n") == "through\n"
    refused = cluster.run("exec", "vllm", "--", "sh", "-c", "echo no >&2; exit 3", check=False)
    assert "no" in refused and "command terminated with exit code 3" in refused


def test_simulated_pods_say_that_they_have_neither_log_nor_process(cluster: Cluster) -> None:
    cluster.run("run", "simulated", "--image=example.com/x")
    cluster.wait("simulated", phase("Running"))
    assert "only simulated" in cluster.run("logs", "simulated", check=False)
    assert "only simulated" in cluster.run("exec", "simulated", "--", "ls", check=False)


def test_deleted_pods_leave_nothing(cluster: Cluster) -> None:
    uid = cluster.pod("vllm")["metadata"]["uid"]
    cluster.run("delete", "pod", "vllm", "--timeout=30s")
    folder = cluster.rehearsal.state / "run" / "kubelet"
    end = time.monotonic() + 10
    while (folder / "pods" / uid).exists() or uid in (folder / "addresses.json").read_text():
        assert time.monotonic() < end, "the kubelet still has the pod"
        time.sleep(0.2)
