# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data path of three well-lit paths, by plain kubectl: prefill/decode, wide expert parallelism, CPU offload; and how each fails.

KServe's real controller with the presets of OpenShift AI 3.3 (vLLM 0.13) makes the pods; requests go through the gateway; what moved is read from
vLLM's own series inside the cluster. GPUs and the RDMA resource are written into the nodes' status as device plugins would.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.conftest import DOWNLOAD, rehearsal_cli, start

pytestmark = pytest.mark.rehearsal

NAMESPACE, MODEL = "datapath", "Qwen/Qwen3-0.6B"
GATEWAY = ("openshift-ingress", "openshift-ai-inference")
OPERATORS = [  # namespace, package, channel, only its own namespace
    ("cert-manager-operator", "openshift-cert-manager-operator", "stable-v1", False),
    ("openshift-lws-operator", "leader-worker-set", "stable-v1.0", True),
    ("redhat-ods-operator", "rhods-operator", "stable-3.3", False),
]
VLLM_18 = "registry.redhat.io/rhaii/vllm-cuda-rhel9@sha256:dd65c7ed"
NIXL = """--kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'"""
OFFLOAD = """--kv-transfer-config '{"kv_connector":"OffloadingConnector","kv_role":"kv_both","kv_connector_extra_config":{"%s":%d}}'"""
POD_IP = {"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
RDMA = {"rdma/roce_gdr": "1"}
SCRAPE = """
import ssl, sys, urllib.request
for url in sys.argv[1:]:
    page = urllib.request.urlopen(url, timeout=10, context=ssl._create_unverified_context()).read().decode()
    print("\\n".join(line for line in page.splitlines() if line.startswith("vllm:") and "_bucket" not in line))
"""


class Cluster:
    """One rehearsal with OpenShift AI, a gateway, and a namespace of the test's own."""

    def __init__(self, rehearsal: Any) -> None:
        self.rehearsal = rehearsal
        self._count = 0

    def kubectl(self, *args: str, **more: Any) -> str:
        return str(self.rehearsal.kubectl("-n", NAMESPACE, *args, **more))

    def apply(self, *objects: dict[str, Any]) -> None:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.rehearsal.kubectl("apply", "--server-side", "--validate=false", "--force-conflicts", "-f", "-", stdin=body)

    def get(self, *args: str) -> Any:
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def until(self, what: str, look: Callable[[], Any], seconds: float = 180) -> Any:
        end = time.monotonic() + seconds
        while not (answer := look()):
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s; pods: {self.kubectl('get', 'pods', '-o', 'wide', check=False)}"
            time.sleep(0.5)
        return answer

    def condition(self, kind: str, name: str, type_: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        status = json.loads(self.rehearsal.kubectl("get", kind, name, "-n", namespace, "-o", "json")).get("status") or {}
        return next((c for c in status.get("conditions") or [] if c["type"] == type_), {"status": ""})

    # --- services ------------------------------------------------------------------------------------------------------

    def serve(self, obj: dict[str, Any]) -> None:
        self.apply(obj)
        name = obj["metadata"]["name"]
        self.until(f"{name} Ready", lambda: self.condition("llminferenceservice", name, "Ready")["status"] == "True", 240)
        self.until(f"{name} answers", lambda: self.chat(name, "hello")[0] == 200, 60)

    def drop(self, name: str) -> None:
        self.kubectl("delete", "llminferenceservice", name, "--wait=false", "--ignore-not-found")

    def chat(self, name: str, text: str) -> tuple[int, str]:
        """One request through the gateway."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 6}
        url = f"{self.rehearsal.status['gateway_url']}/{NAMESPACE}/{name}/v1/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def pods(self, name: str, **labels: str) -> list[dict[str, Any]]:
        selector = ",".join([f"app.kubernetes.io/name={name}", *(f"{key}={value}" for key, value in labels.items())])
        found = self.get("pods", "-l", selector)["items"]
        return [pod for pod in found if "router-scheduler" not in pod["metadata"]["name"]]

    def by_role(self, name: str, role: str) -> dict[str, Any]:
        return next(pod for pod in self.pods(name) if pod["metadata"]["labels"].get("llm-d.ai/role") == role)

    def log(self, pod: str, container: str = "main") -> str:
        return self.kubectl("logs", pod, "-c", container)

    # --- inside the cluster --------------------------------------------------------------------------------------------

    def script(self, *command: str) -> str:
        """Output of a program in a pod of the tools image."""
        self._count += 1
        name = f"script-{self._count}"
        image = self.rehearsal.tools
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{"name": "c", "image": image, "command": list(command)}]}})
        phase = self.until(name, lambda: self.get("pod", name)["status"].get("phase") in ("Succeeded", "Failed") and self.get("pod", name)["status"]["phase"], 90)
        log = self.kubectl("logs", name)
        self.kubectl("delete", "pod", name, "--wait=false")
        assert phase == "Succeeded", log
        return log

    def series(self, pod: dict[str, Any], port: int = 8000, scheme: str = "https") -> dict[str, float]:
        """vLLM's series of one pod: name with labels -> value, and name alone -> sum."""
        page = self.script("python3", "-c", SCRAPE, f"{scheme}://{pod['status']['podIP']}:{port}/metrics")
        found: dict[str, float] = {}
        for line in page.splitlines():
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
            found[name.split("{")[0]] = found.get(name.split("{")[0], 0.0) + float(value)
        return found

    @contextmanager
    def scenario(self, faults: dict[str, Any]) -> Iterator[None]:
        path = self.rehearsal.state / "run" / "settings.json"
        before = path.read_text()
        path.write_text(json.dumps({**json.loads(before), "scenario": {**(json.loads(before)["scenario"] or {}), **faults}}))
        try:
            yield
        finally:
            path.write_text(before)


def meta(name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, **({"namespace": namespace} if namespace else {}), **more}


def operator(namespace: str, package: str, channel: str, own: bool) -> list[dict[str, Any]]:
    spec = {"channel": channel, "name": package, "source": "redhat-operators", "sourceNamespace": "openshift-marketplace"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(namespace)},
        {"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": meta(package, namespace),
         "spec": {"targetNamespaces": [namespace]} if own else {}},
        {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": meta(package, namespace), "spec": spec},
    ]


def container(args: str, *env: dict[str, Any], gpus: int = 1, **resources: str) -> dict[str, Any]:
    limits = {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": str(gpus), **resources}
    return {"containers": [{"name": "main", "env": [{"name": "VLLM_ADDITIONAL_ARGS", "value": args}, *env], "resources": {"limits": limits, "requests": limits}}]}


def service(name: str, template: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """An LLMInferenceService without authentication, so that no Connectivity Link is needed."""
    annotations = {"security.opendatahub.io/enable-auth": "false"}
    return {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "metadata": meta(name, NAMESPACE, annotations=annotations), "spec": {
        "model": {"uri": f"hf://{MODEL}", "name": MODEL}, "replicas": 1, "router": {"gateway": {}, "route": {}, "scheduler": {}}, "template": template, **spec}}


def variable(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def model_pod(name: str, image: str, args: str, *env: dict[str, Any]) -> dict[str, Any]:
    """vLLM without KServe, over plain HTTP."""
    mounts = [{"name": "m", "mountPath": "/mnt/models"}]
    main = {"name": "main", "image": image, "command": ["/bin/bash", "-c", f"exec vllm serve /mnt/models --served-model-name {MODEL} {args}"],
            "volumeMounts": mounts, "resources": {"limits": {"nvidia.com/gpu": "1"}}, "terminationMessagePolicy": "FallbackToLogsOnError",
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1}}
    download = {"name": "storage-initializer", "image": DOWNLOAD, "args": [f"hf://{MODEL}", "/mnt/models"], "volumeMounts": mounts, "env": list(env),
                "terminationMessagePolicy": "FallbackToLogsOnError"}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [main], "initContainers": [download], "volumes": [{"name": "m", "emptyDir": {}}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name, NAMESPACE), "spec": spec}


def words(first: str, count: int) -> str:
    return " ".join(f"{first}{number}" for number in range(count))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if given := os.environ.get("DATAPATH_REHEARSAL"):
        status = json.loads(rehearsal_cli("status", "--name", given, "--json").stdout)
        from tests.integration.conftest import Rehearsal
        made = Cluster(Rehearsal(given, status))
        prepare(made)
        yield made
        return
    name = f"datapath-{os.getpid()}"
    made = Cluster(start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"))
    try:
        prepare(made)
        yield made
    finally:
        rehearsal_cli("down", "--name", name)


def prepare(cluster: Cluster) -> None:
    """Operators, OpenShift AI, gateway, and resources that device plugins would report."""
    kubectl = cluster.rehearsal.kubectl
    gateway = {"gatewayClassName": "openshift-default", "listeners": [
        {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}]}
    api = "gateway.networking.k8s.io/v1"
    cluster.apply({"apiVersion": api, "kind": "GatewayClass", "metadata": meta("openshift-default"), "spec": {"controllerName": "openshift.io/gateway-controller/v1"}},
                  {"apiVersion": api, "kind": "Gateway", "metadata": meta(GATEWAY[1], GATEWAY[0]), "spec": gateway},
                  {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(NAMESPACE)}, *[obj for row in OPERATORS for obj in operator(*row)])
    patch = {"status": {kind: {"nvidia.com/gpu": "8", "rdma/roce_gdr": "8"} for kind in ("capacity", "allocatable")}}
    for node in ("gpu-0", "gpu-1"):
        kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", json.dumps(patch))
    crds = ("leaderworkersetoperators.operator.openshift.io", "datascienceclusters.datasciencecluster.opendatahub.io")
    cluster.until("CRDs", lambda: all("Error" not in kubectl("get", "crd", crd, check=False) for crd in crds))
    for _namespace, package, *_ in OPERATORS:
        cluster.until(package, lambda package=package: re.search(rf"{package.removeprefix('openshift-')}\S* .*Succeeded", kubectl("get", "csv", "-A", "--no-headers")))
    cluster.apply({"apiVersion": "operator.openshift.io/v1", "kind": "LeaderWorkerSetOperator", "metadata": meta("cluster"), "spec": {"managementState": "Managed"}},
                  {"apiVersion": "datasciencecluster.opendatahub.io/v2", "kind": "DataScienceCluster", "metadata": meta("default-dsc"),
                   "spec": {"components": {"kserve": {"managementState": "Managed", "rawDeploymentServiceConfig": "Headed"}}}})
    cluster.until("LWS", lambda: cluster.condition("leaderworkersetoperator", "cluster", "Available", "default")["status"] == "True")
    cluster.until("OpenShift AI", lambda: cluster.condition("datasciencecluster", "default-dsc", "Ready", "default")["status"] == "True")
    cluster.until("gateway", lambda: cluster.condition("gateway", GATEWAY[1], "Programmed", GATEWAY[0])["status"] == "True")


# --- prefill and decode ------------------------------------------------------------------------------------------------

UCX = [variable("UCX_PROTO_INFO", "y"), variable("KSERVE_INFER_ROCE", "true")]


def disaggregated(name: str, *env: dict[str, str]) -> dict[str, Any]:
    template = container(NIXL, POD_IP, *UCX, *env, **RDMA)
    return service(name, template, prefill={"replicas": 1, "template": template})


def prefilled(cluster: Cluster, name: str) -> None:
    """Until requests reach the prefill pod. KServe signs the pods' addresses into the certificate once it knows them; until the kubelet has brought the
    new one and vLLM has read it, the sidecar can't verify the prefill pod and falls back to decode."""
    prefill = cluster.by_role(name, "prefill")
    turns = iter(range(100))

    def look() -> bool:
        assert cluster.chat(name, words(f"turn{next(turns)}-", 40))[0] == 200
        return "request_success" in "".join(cluster.series(prefill))

    cluster.until(f"{name}'s prefill takes part", look, 60)


def test_a_request_goes_through_prefill_and_its_blocks_move_over_rdma(cluster: Cluster) -> None:
    cluster.serve(disaggregated("pd"))
    prefilled(cluster, "pd")
    prefill, decode = cluster.by_role("pd", "prefill"), cluster.by_role("pd", "decode")
    before = cluster.series(decode, 8001)
    code, body = cluster.chat("pd", words("p", 200))
    assert code == 200 and json.loads(body)["usage"]["prompt_tokens"] > 200
    after, other = cluster.series(decode, 8001), cluster.series(prefill)
    assert after["vllm:nixl_xfer_time_seconds_count"] == before["vllm:nixl_xfer_time_seconds_count"] + 1
    assert after["vllm:nixl_bytes_transferred_sum"] > before["vllm:nixl_bytes_transferred_sum"]
    assert after["vllm:external_prefix_cache_hits_total"] - before["vllm:external_prefix_cache_hits_total"] > 200
    assert after["vllm:nixl_num_failed_transfers_total"] == 0
    assert other["vllm:prompt_tokens_total"] > 200 and other["vllm:generation_tokens_total"] == other['vllm:request_success_total']
    assert other["vllm:nixl_bytes_transferred_sum"] == 0, "blocks are read by the decode side"
    log = cluster.log(decode["metadata"]["name"])
    assert re.search(r"inter-node cfg#\d", log) and "rc_mlx5/mlx5_" in log and "tcp/" not in log
    assert "[Infer RoCE] Selected GID_INDEX: 3" in log
    assert "NIXL compatibility check passed" in log


def test_a_request_past_the_sidecars_header_stays_on_decode(cluster: Cluster) -> None:
    """Without x-prefiller-host-port, which only the picker sets, the sidecar hands the request to its own vLLM."""
    decode = cluster.by_role("pd", "decode")
    before = cluster.series(decode, 8001)
    body = json.dumps({"model": MODEL, "prompt": words("alone", 100), "max_tokens": 2})
    cluster.script("curl", "-sSfk", "-H", "content-type: application/json", "-d", body, f"https://{decode['status']['podIP']}:8000/v1/completions")
    after = cluster.series(decode, 8001)
    assert after["vllm:request_success_total"] == before["vllm:request_success_total"] + 1
    for still in ("vllm:nixl_xfer_time_seconds_count", "vllm:nixl_bytes_transferred_sum", "vllm:external_prefix_cache_hits_total"):
        assert after[still] == before[still]


@pytest.mark.wide
def test_scenario_kv_never_moves(cluster: Cluster) -> None:
    with cluster.scenario({"kv_transfer": "fails"}):
        cluster.serve(disaggregated("still"))
        prefilled(cluster, "still")
        decode = cluster.by_role("still", "decode")
        assert [cluster.chat("still", words(f"n{number}", 100))[0] for number in range(3)] == [200] * 3
        seen = cluster.series(decode, 8001)
        assert seen["vllm:nixl_bytes_transferred_count"] == 0 and seen["vllm:external_prefix_cache_hits_total"] == 0
        assert seen["vllm:request_success_total"] >= 3
        log = cluster.log(decode["metadata"]["name"])
        assert "NIXL_ERR_REMOTE_DISCONNECT" in log and "Recovered from KV load failure" in log
    cluster.drop("still")


@pytest.mark.wide
def test_scenario_tcp_fallback(cluster: Cluster) -> None:
    with cluster.scenario({"kv_transfer": "tcp"}):
        cluster.serve(disaggregated("slow", variable("UCX_TLS", "rc,tcp,cuda_copy")))
        prefilled(cluster, "slow")
        decode = cluster.by_role("slow", "decode")
        assert cluster.chat("slow", words("t", 200))[0] == 200
        log = cluster.log(decode["metadata"]["name"])
        assert "Skipping inactive or down HCA" in log and "transport 'rc' is not available" in log
        assert "tcp/eth0" in log and "rc_mlx5/" not in log
        assert cluster.series(decode, 8001)["vllm:nixl_bytes_transferred_sum"] > 0
    cluster.drop("slow")


@pytest.mark.wide
def test_without_an_rdma_resource_a_pod_has_no_rdma(cluster: Cluster) -> None:
    template = container(NIXL, POD_IP, *UCX, variable("UCX_TLS", "rc,sm,self,cuda_copy,cuda_ipc"))
    cluster.serve(service("bare", template, prefill={"replicas": 1, "template": template}))
    prefilled(cluster, "bare")
    assert cluster.chat("bare", words("b", 100))[0] == 200
    log = cluster.log(cluster.by_role("bare", "decode")["metadata"]["name"])
    assert "No active RoCE HCAs found" in log and "NIXL_ERR_BACKEND" in log
    cluster.drop("bare")


# --- wide expert parallelism -------------------------------------------------------------------------------------------


def wide(name: str, *env: dict[str, str]) -> dict[str, Any]:
    """Two pods of two ranks each."""
    template = container("--enforce-eager", *env, gpus=2, **RDMA)
    return service(name, template, worker=template, parallelism={"data": 4, "dataLocal": 2, "expert": True, "tensor": 1})


def test_a_group_of_pods_serves_as_one(cluster: Cluster) -> None:
    cluster.drop("pd")
    cluster.serve(wide("wide"))
    pods = sorted(cluster.pods("wide"), key=lambda pod: pod["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/worker-index"])
    assert len(pods) == 2
    leader, worker = pods
    assert [cluster.chat("wide", words(f"w{number}", 40))[0] for number in range(8)] == [200] * 8
    seen = cluster.series(leader)
    ranks = {match.group(1) for name in seen if (match := re.match(r'vllm:request_success_total\{engine="(\d+)"', name))}
    assert ranks == {"0", "1", "2", "3"}, "each rank has answered, those in the other pod, too"
    assert "Launching 2 data parallel engine(s) in headless mode" in cluster.log(worker["metadata"]["name"])
    assert "DP_ADDRESS resolution failed" not in cluster.log(leader["metadata"]["name"]).partition("vLLM API server")[2]


def test_a_group_breaks_and_comes_back_as_a_whole(cluster: Cluster) -> None:
    before = {pod["metadata"]["uid"] for pod in cluster.pods("wide")}
    worker = next(pod for pod in cluster.pods("wide") if pod["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/worker-index"] == "1")
    cluster.kubectl("delete", "pod", worker["metadata"]["name"], "--wait=false")
    cluster.until("the whole group anew", lambda: not before & {pod["metadata"]["uid"] for pod in cluster.pods("wide")}, 120)
    cluster.until("an answer", lambda: cluster.chat("wide", "again")[0] == 200, 180)
    cluster.drop("wide")


@pytest.mark.wide
def test_prefill_and_decode_may_be_groups_themselves(cluster: Cluster) -> None:
    """Two LeaderWorkerSets: blocks move to the decode ranks of both pods."""
    template = container(NIXL, POD_IP, *UCX, **RDMA)
    ranks = {"data": 2, "dataLocal": 1, "expert": True, "tensor": 1}
    cluster.serve(service("both", template, worker=template, parallelism=ranks,
                          prefill={"replicas": 1, "template": template, "worker": template, "parallelism": ranks}))
    prefilled(cluster, "both")
    assert [cluster.chat("both", words(f"g{number}-", 100))[0] for number in range(6)] == [200] * 6
    seen = cluster.series(cluster.by_role("both", "decode"), 8001)
    for rank in ("0", "1"):
        assert seen[f'vllm:nixl_bytes_transferred_count{{engine="{rank}",model_name="{MODEL}"}}'] > 0
    cluster.drop("both")


@pytest.mark.wide
def test_gpus_that_may_not_post_to_the_network_cards(cluster: Cluster) -> None:
    """DeepEP between nodes with a driver of defaults; here there is no driver at all, as for one without PeerMappingOverride."""
    env = [variable("VLLM_ALL2ALL_BACKEND", "deepep_low_latency"), variable("NVSHMEM_REMOTE_TRANSPORT", "ibgda"), variable("NVSHMEM_IBGDA_NIC_HANDLER", "gpu")]
    cluster.apply(wide("mute", *env))
    leader = cluster.until("the leader", lambda: [pod for pod in cluster.pods("mute") if pod["metadata"]["name"].endswith("-0")])[0]["metadata"]["name"]
    said = "init failed for transport: IBGDA"
    cluster.until("its complaint", lambda: said in cluster.kubectl("logs", leader, "-c", "main", "-p", check=False), 120)
    assert "GPU cannot map UAR of device mlx5_" in cluster.kubectl("logs", leader, "-c", "main", "-p", check=False)
    assert cluster.condition("llminferenceservice", "mute", "Ready")["status"] != "True"
    cluster.drop("mute")


def test_scenario_rank_missing(cluster: Cluster) -> None:
    with cluster.scenario({"missing_ranks": [-1]}):
        cluster.apply(wide("torn", variable("VLLM_LOGGING_LEVEL", "DEBUG")))
        leader = cluster.until("the leader", lambda: [pod for pod in cluster.pods("torn") if pod["metadata"]["name"].endswith("-0")])[0]["metadata"]["name"]
        words_ = "Waiting for 0 local, 2 remote core engine proc(s) to connect."
        cluster.until("its complaint", lambda: words_ in cluster.kubectl("logs", leader, "-c", "main", check=False), 120)
        assert cluster.condition("llminferenceservice", "torn", "Ready")["status"] != "True"
        assert cluster.get("pod", leader)["status"]["containerStatuses"][0]["ready"] is False
    cluster.drop("torn")


# --- CPU offload -------------------------------------------------------------------------------------------------------


def ask(cluster: Cluster, pod: dict[str, Any], *prompts: str) -> None:
    for prompt in prompts:
        body = json.dumps({"model": MODEL, "prompt": prompt, "max_tokens": 1})
        cluster.script("curl", "-sSf", "-H", "content-type: application/json", "-d", body, f"http://{pod['status']['podIP']}:8000/v1/completions")


def moved(way: str) -> str:
    return f'vllm:kv_offload_total_bytes_total{{engine="0",model_name="{MODEL}",transfer_type="{way}"}}'


def ready(cluster: Cluster, obj: dict[str, Any]) -> dict[str, Any]:
    cluster.apply(obj)
    name = obj["metadata"]["name"]
    cluster.until(name, lambda: (cluster.get("pod", name)["status"].get("containerStatuses") or [{}])[0].get("ready"))
    return dict(cluster.get("pod", name))


def test_what_the_gpu_has_lost_comes_back_from_the_cpu(cluster: Cluster) -> None:
    args = f"--max-model-len 480 --num-gpu-blocks-override 30 {OFFLOAD % ('cpu_bytes_to_use', 1 << 32)}"
    pod = ready(cluster, model_pod("offload", VLLM_18, args))
    ask(cluster, pod, words("a", 320))
    first = cluster.series(pod, scheme="http")
    assert first[moved("GPU_to_CPU")] > 0
    assert not any("CPU_to_GPU" in name for name in first)
    ask(cluster, pod, words("b", 400), words("a", 320))
    after = cluster.series(pod, scheme="http")
    assert after[moved("CPU_to_GPU")] > 0
    assert after["vllm:external_prefix_cache_hits_total"] >= 200
    cluster.kubectl("delete", "pod", "offload", "--wait=false")


def test_scenario_offload_silent(cluster: Cluster) -> None:
    with cluster.scenario({"kv_offload_silent": True}):
        args = f"--max-model-len 480 --num-gpu-blocks-override 30 {OFFLOAD % ('cpu_bytes_to_use', 1 << 32)}"
        pod = ready(cluster, model_pod("silent", VLLM_18, args))
        ask(cluster, pod, words("a", 320), words("b", 400), words("a", 320))
        seen = cluster.series(pod, scheme="http")
        assert "vllm:kv_offload_total_bytes_total" not in seen and seen["vllm:external_prefix_cache_hits_total"] == 0
        assert "Creating v1 connector with name: OffloadingConnector" in cluster.log("silent")
    cluster.kubectl("delete", "pod", "silent", "--wait=false")


@pytest.mark.wide
def test_offload_through_kserve_on_3_3(cluster: Cluster) -> None:
    """vLLM 0.13 has no kv_offload series: the external prefix cache shows it."""
    args = f"--max-model-len 480 --num-gpu-blocks-override 30 {OFFLOAD % ('num_cpu_blocks', 1000)}"
    cluster.serve(service("tiered", container(args)))
    pod = cluster.pods("tiered")[0]
    for prompt in (words("a", 300), words("b", 400), words("a", 300)):
        assert cluster.chat("tiered", prompt)[0] == 200
    seen = cluster.series(pod)
    assert seen["vllm:external_prefix_cache_hits_total"] >= 200 and not any(name.startswith("vllm:kv_offload") for name in seen)
    cluster.drop("tiered")


# --- what else goes wrong ----------------------------------------------------------------------------------------------


def crash(cluster: Cluster, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        for pod in cluster.pods(name):
            status = next((c for c in pod["status"].get("containerStatuses") or [] if c["name"] == "main"), {})
            if (status.get("state") or {}).get("waiting", {}).get("reason") == "CrashLoopBackOff":
                return dict(status["lastState"]["terminated"])
        return None
    return dict(cluster.until(f"{name} in CrashLoopBackOff", look))


@pytest.mark.parametrize(("name", "args", "code", "text"), [
    ("typo", "--kv-transfr-config '{}'", 2, "vllm: error: unrecognized arguments: --kv-transfr-config {}"),
    ("newer", "--kv-events-config not-json", 2, "cannot be converted to JSON"),
    ("wrong-key", OFFLOAD % ("cpu_bytes_to_use", 1000), 1, "num_cpu_blocks must be specified in kv_connector_extra_config"),
])
def test_arguments_that_this_vllm_refuses(cluster: Cluster, name: str, args: str, code: int, text: str) -> None:
    cluster.apply(service(name, container(args)))
    ended = crash(cluster, name)
    assert ended["exitCode"] == code and text in ended["message"]
    cluster.drop(name)


def test_scenario_preset_missing(cluster: Cluster) -> None:
    with cluster.scenario({"presets_missing": ["config-llm-prefill-template"]}):
        listed = json.loads(cluster.rehearsal.kubectl("get", "llminferenceserviceconfigs", "-n", "redhat-ods-applications", "-o", "json"))["items"]
        name = next(item["metadata"]["name"] for item in listed if item["metadata"]["name"].endswith("config-llm-prefill-template"))
        # its webhook guards a preset that is there; an installation that never had it is what is wanted here
        cluster.rehearsal.kubectl("delete", "validatingwebhookconfiguration", "llminferenceserviceconfig.serving.kserve.io")
        cluster.rehearsal.kubectl("delete", "llminferenceserviceconfig", name, "-n", "redhat-ods-applications")
        cluster.apply(disaggregated("unmade"))

        def combined() -> dict[str, Any]:
            return cluster.condition("llminferenceservice", "unmade", "PresetsCombined")

        cluster.until("PresetsCombined=False", lambda: combined()["status"] == "False", 60)
        assert name in combined()["message"], combined()
    cluster.drop("unmade")


def test_scenario_token_without_access(cluster: Cluster) -> None:
    with cluster.scenario({"denied_models": ["."]}):
        cluster.apply(model_pod("denied", VLLM_18, "", variable("HF_TOKEN", "hf_good")))

        def ended() -> Any:
            return ((cluster.get("pod", "denied")["status"].get("initContainerStatuses") or [{}])[0].get("lastState") or {}).get("terminated")

        assert "you are not in the authorized list" in cluster.until("the refusal", ended)["message"]
    cluster.kubectl("delete", "pod", "denied", "--wait=false")


def test_scenario_slow_model_load(cluster: Cluster) -> None:
    with cluster.scenario({"delays": {"vllm-load": 600}}):
        cluster.apply(model_pod("loading", VLLM_18, ""))
        cluster.until("its log", lambda: "Starting to load model" in cluster.kubectl("logs", "loading", "-c", "main", check=False))
        time.sleep(3)
        assert cluster.get("pod", "loading")["status"]["containerStatuses"][0]["ready"] is False
    cluster.kubectl("delete", "pod", "loading", "--wait=false")


def test_a_wrong_model_name_is_a_404_in_vllms_words(cluster: Cluster) -> None:
    pod = ready(cluster, model_pod("named", VLLM_18, "--max-model-len 1000"))
    body = json.dumps({"model": "other", "prompt": "x"})
    answer = cluster.script("curl", "-sS", "-H", "content-type: application/json", "-d", body, f"http://{pod['status']['podIP']}:8000/v1/completions")
    assert json.loads(answer)["error"] == {"message": "The model `other` does not exist.", "type": "NotFoundError", "param": None, "code": 404}
    cluster.kubectl("delete", "pod", "named", "--wait=false")
