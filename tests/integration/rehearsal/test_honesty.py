# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal is honest: what the products' documentation tells a person to apply leads to inference, and nothing else does.

Plain kubectl, no code of the collection. From a bare cluster: Subscriptions, NodeFeatureDiscovery, ClusterPolicy, LVMCluster,
GatewayClass and Gateway, Kuadrant with Authorino on TLS, DataScienceCluster, LLMInferenceService, then HTTP through Envoy.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli

pytestmark = pytest.mark.rehearsal

NAMESPACE, SERVICE, MODEL = "honest", "qwen", "Qwen/Qwen2.5-7B-Instruct"
GATEWAY = ("openshift-ingress", "openshift-ai-inference")
OPERATORS = [  # namespace, package, channel, catalog, only its own namespace
    ("openshift-nfd", "nfd", "stable", "redhat-operators", True),
    ("nvidia-gpu-operator", "gpu-operator-certified", "v26.3", "certified-operators", True),
    ("openshift-lvm-storage", "lvms-operator", "stable-4.20", "redhat-operators", True),
    ("cert-manager-operator", "openshift-cert-manager-operator", "stable-v1", "redhat-operators", False),
    ("openshift-lws-operator", "leader-worker-set", "stable-v1.0", "redhat-operators", True),
    ("kuadrant-system", "rhcl-operator", "stable", "redhat-operators", False),
    ("redhat-ods-operator", "rhods-operator", "stable-3.3", "redhat-operators", False),
]
SCRAPE = """
import urllib.request
token = open("/var/run/secrets/kubernetes.io/serviceaccount/token").read()
request = urllib.request.Request("http://%s-epp-service:9090/metrics", headers={"Authorization": "Bearer " + token})
for line in urllib.request.urlopen(request, timeout=10).read().decode().splitlines():
    if line.startswith(("inference_objective_request_total", "inference_pool_ready_pods")):
        print(line)
"""


class Honest:
    """kubectl apply, wait and call on one rehearsal."""

    def __init__(self, rehearsal: Any) -> None:
        self.rehearsal = rehearsal

    def apply(self, *objects: dict[str, Any]) -> None:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        # Without kubectl's own validation: it would fetch the whole OpenAPI document; server-side apply refuses unknown fields anyway.
        self.rehearsal.kubectl("apply", "--server-side", "--validate=false", "--force-conflicts", "-f", "-", stdin=body)

    def get(self, *args: str) -> Any:
        return self.rehearsal.get(*args)

    def until(self, what: str, look: Callable[[], Any], seconds: float = 300) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            answer = look()
            if answer:
                return answer
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s (last answer: {answer!r})"
            time.sleep(1)

    def condition(self, kind: str, name: str, namespace: str, type_: str) -> str:
        status = self.get(kind, name, "-n", namespace).get("status") or {}
        return next((c["status"] for c in status.get("conditions") or [] if c["type"] == type_), "")

    def call(self, path: str, body: Any = None, token: str | None = None) -> tuple[int, dict[str, str], str]:
        """One HTTP request from outside of the cluster to its gateway: code, headers, body."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.rehearsal.status["gateway_url"] + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read().decode()

    def chat(self, text: str, token: str | None) -> tuple[int, dict[str, str], str]:
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 8}
        return self.call(f"/{NAMESPACE}/{SERVICE}/v1/chat/completions", body, token)

    def token(self, account: str) -> str:
        return str(self.rehearsal.kubectl("create", "token", account, "-n", NAMESPACE)).strip()


@pytest.fixture(scope="module")
def honest(rehearsal: Any) -> Honest:
    return Honest(rehearsal)


def meta(name: str, namespace: str | None = None) -> dict[str, Any]:
    return {"name": name, **({"namespace": namespace} if namespace else {})}


def operator(namespace: str, package: str, channel: str, catalog: str, own: bool) -> list[dict[str, Any]]:
    spec = {"channel": channel, "name": package, "source": catalog, "sourceNamespace": "openshift-marketplace"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(namespace)},
        {"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": meta(package, namespace),
         "spec": {"targetNamespaces": [namespace]} if own else {}},
        {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": meta(package, namespace), "spec": spec},
    ]


def gateway_objects() -> list[dict[str, Any]]:
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    return [
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": meta("openshift-default"),
         "spec": {"controllerName": "openshift.io/gateway-controller/v1"}},
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": meta(GATEWAY[1], GATEWAY[0]),
         "spec": {"gatewayClassName": "openshift-default", "listeners": [listener]}},
    ]


def node_objects() -> list[dict[str, Any]]:
    """NodeFeatureDiscovery, ClusterPolicy, LVMCluster."""
    parts = ("driver", "toolkit", "devicePlugin", "dcgm", "dcgmExporter", "gfd", "migManager", "nodeStatusExporter")
    policy = {"operator": {"defaultRuntime": "crio"}, "daemonsets": {}, **{part: {"enabled": True} for part in parts}}
    labels = 'sources:\n  pci:\n    deviceClassWhitelist: ["02", "03"]\n    deviceLabelFields: ["vendor"]\n'
    gpu = {"key": "feature.node.kubernetes.io/pci-10de.present", "operator": "Exists"}
    device_class = {"name": "nvme", "default": True, "fstype": "xfs",
                    "nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [gpu]}]},
                    "deviceSelector": {"optionalPaths": ["/dev/disk/by-path/pci-0000:62:00.0-nvme-1"]}}
    return [
        {"apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": meta("nfd-instance", "openshift-nfd"),
         "spec": {"workerConfig": {"configData": labels}}},
        {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": meta("gpu-cluster-policy"), "spec": policy},
        {"apiVersion": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster", "metadata": meta("lvmcluster", "openshift-lvm-storage"),
         "spec": {"storage": {"deviceClasses": [device_class]}}},
    ]


def service_objects() -> list[dict[str, Any]]:
    """The sample of release 3.3 (v1alpha1), and one account that may call it."""
    gpu = {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"}
    rule = {"apiGroups": ["serving.kserve.io"], "resources": ["llminferenceservices"], "verbs": ["get"], "resourceNames": [SERVICE]}
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "caller", "namespace": NAMESPACE}
    metrics = f"{NAMESPACE}-metrics"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(NAMESPACE)},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("caller", NAMESPACE)},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta("caller", NAMESPACE), "rules": [rule]},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": meta("caller", NAMESPACE), "subjects": [subject],
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "caller"}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": meta(metrics),
         "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": meta(metrics), "subjects": [subject],
         "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": metrics}},
        {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "metadata": meta(SERVICE, NAMESPACE), "spec": {
            "model": {"uri": f"hf://{MODEL}", "name": MODEL}, "replicas": 2, "router": {"gateway": {}, "route": {}, "scheduler": {}},
            "template": {"containers": [{"name": "main", "resources": {"limits": gpu, "requests": gpu}}]}}},
    ]


def picker_counters(honest: Honest, run: str) -> dict[str, float]:
    """The endpoint picker's own counters, scraped by a pod inside the cluster."""
    image = honest.rehearsal.tools
    container = {"name": "scrape", "image": image, "command": ["python3", "-c", SCRAPE % SERVICE]}
    honest.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta(f"scrape-{run}", NAMESPACE),
                  "spec": {"restartPolicy": "Never", "serviceAccountName": "caller", "containers": [container]}})
    pod = ("pod", f"scrape-{run}", "-n", NAMESPACE)
    honest.until("the scrape", lambda: honest.get(*pod)["status"].get("phase") in ("Succeeded", "Failed"), 90)
    log = honest.rehearsal.kubectl("logs", f"scrape-{run}", "-n", NAMESPACE)
    honest.rehearsal.kubectl("delete", "pod", f"scrape-{run}", "-n", NAMESPACE, "--wait=false")
    found: dict[str, float] = {}
    for line in log.splitlines():
        name, value = line.rsplit(" ", 1)
        found[name.split("{")[0]] = found.get(name.split("{")[0], 0.0) + float(value)
    return found


def test_documentation_leads_to_inference(honest: Honest) -> None:
    bare = honest.get("node", "gpu-0")
    assert "nvidia.com/gpu" not in bare["status"]["allocatable"]
    assert not [key for key in bare["metadata"]["labels"] if key.startswith(("feature.node.", "nvidia.com"))]
    honest.apply(*gateway_objects(), *[obj for row in OPERATORS for obj in operator(*row)])
    for namespace, package, *_rest in OPERATORS:
        sub = ("subscription.operators.coreos.com", package, "-n", namespace)

        def succeeded(sub: tuple[str, ...] = sub, namespace: str = namespace) -> bool:
            installed = (honest.get(*sub).get("status") or {}).get("installedCSV")
            names = {c["metadata"]["name"]: (c.get("status") or {}).get("phase") for c in honest.get("csv", "-n", namespace)["items"]}
            return bool(installed) and names.get(installed) == "Succeeded"

        honest.until(f"CSV of {package}", succeeded, 600)
    honest.apply(*node_objects())
    nodes = ("gpu-0", "gpu-1")
    honest.until("GPUs", lambda: all(honest.get("node", n)["status"]["allocatable"].get("nvidia.com/gpu") == "8" for n in nodes))
    honest.until("LVMCluster", lambda: (honest.get("lvmcluster", "lvmcluster", "-n", "openshift-lvm-storage").get("status") or {}).get("state") == "Ready")
    authentication(honest)
    honest.apply({"apiVersion": "datasciencecluster.opendatahub.io/v2", "kind": "DataScienceCluster", "metadata": meta("default-dsc"),
                  "spec": {"components": {"kserve": {"managementState": "Managed", "rawDeploymentServiceConfig": "Headed"}}}})
    honest.until("DataScienceCluster", lambda: (honest.get("datasciencecluster", "default-dsc").get("status") or {}).get("phase") == "Ready")
    honest.until("Gateway", lambda: honest.condition("gateway", GATEWAY[1], GATEWAY[0], "Programmed") == "True")
    honest.apply(*service_objects())
    honest.until("LLMInferenceService", lambda: honest.condition("llminferenceservice", SERVICE, NAMESPACE, "Ready") == "True", 420)
    honest.until("AuthPolicy", lambda: honest.condition("authpolicy", f"{GATEWAY[1]}-authn", GATEWAY[0], "Enforced") == "True")


def authentication(honest: Honest) -> None:
    """Kuadrant, then Authorino on TLS with a certificate of the service CA, in the order that the documentation gives."""
    honest.until("Istio", lambda: honest.condition("gatewayclass", "openshift-default", "", "Accepted") == "True")
    honest.apply({"apiVersion": "kuadrant.io/v1beta1", "kind": "Kuadrant", "metadata": meta("kuadrant", "kuadrant-system")})
    honest.until("Kuadrant", lambda: honest.condition("kuadrant", "kuadrant", "kuadrant-system", "Ready") == "True")
    note = "service.beta.openshift.io/serving-cert-secret-name=authorino-server-cert"
    honest.rehearsal.kubectl("annotate", "service", "authorino-authorino-authorization", "-n", "kuadrant-system", note, "--overwrite")
    tls = {"enabled": True, "certSecretRef": {"name": "authorino-server-cert"}}
    patch = {"spec": {"clusterWide": True, "listener": {"tls": tls}, "oidcServer": {"tls": {"enabled": False}}}}
    honest.rehearsal.kubectl("patch", "authorino", "authorino", "-n", "kuadrant-system", "--type=merge", "-p", json.dumps(patch))
    honest.until("Authorino", lambda: honest.condition("authorino", "authorino", "kuadrant-system", "Ready") == "True")
    secret = honest.until("the certificate", lambda: honest.get("secret", "authorino-server-cert", "-n", "kuadrant-system")["data"])
    assert b"BEGIN CERTIFICATE" in base64.b64decode(secret["tls.crt"])


def test_inference_is_counted_by_the_picker_and_refused_without_a_right(honest: Honest) -> None:
    token = honest.token("caller")
    before = picker_counters(honest, "before")
    assert before["inference_pool_ready_pods"] == 2
    answers = [honest.chat(f"question {number}", token) for number in range(6)]
    assert [code for code, _headers, _body in answers] == [200] * 6
    for _code, _headers, body in answers:
        usage = json.loads(body)["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    after = picker_counters(honest, "after")
    counter = "inference_objective_request_total"
    assert after[counter] - before.get(counter, 0) == 6

    code, headers, _body = honest.chat("no token", None)
    assert (code, headers.get("www-authenticate")) == (401, 'Bearer realm="kubernetes-user"')
    assert honest.chat("bad token", "nonsense")[0] == 401
    assert honest.chat("no right", honest.token("default"))[0] == 403
    assert picker_counters(honest, "refused")[counter] == after[counter], "a refused request must not reach the picker"


def test_models_bypass_the_picker(honest: Honest) -> None:
    """From 3.0 to 3.4 everything but completions goes to the workload Service: a good /v1/models proves no scheduling."""
    token = honest.token("caller")
    before = picker_counters(honest, "models-before")
    code, _headers, body = honest.call(f"/{NAMESPACE}/{SERVICE}/v1/models", token=token)
    assert code == 200
    assert MODEL in [item["id"] for item in json.loads(body)["data"]]
    assert picker_counters(honest, "models-after") == before


def test_the_pool_fails_open(honest: Honest) -> None:
    """Without a picker the pool's failureMode FailOpen still gives 200: only counters show that nobody schedules."""
    token = honest.token("caller")
    picker = f"{SERVICE}-kserve-router-scheduler"
    honest.rehearsal.kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler")
    code, _headers, body = honest.chat("nobody picks", token)
    assert code == 200, body
    honest.until("the picker again", lambda: honest.condition("deployment", picker, NAMESPACE, "Available") == "True", 120)


@pytest.mark.wide
def test_scenario_epp_dead(honest: Honest) -> None:
    """The picker dies again and again; clients see nothing of it, since the pool fails open. Only the pod and its last log tell."""
    name = honest.rehearsal.name
    assert rehearsal_cli("provoke", "--name", name, "--scenario", "epp-dead").returncode == 0
    pods = ("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler")

    def main() -> dict[str, Any]:
        """Its main container; {} while a pod is being replaced."""
        found = [c for pod in honest.get(*pods)["items"] for c in pod["status"].get("containerStatuses") or [] if c["name"] == "main"]
        return found[-1] if found else {}

    try:
        honest.until("the back-off", lambda: main().get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff", 120)
        assert main()["lastState"]["terminated"]["exitCode"] == 1
        pod = honest.get(*pods)["items"][0]["metadata"]["name"]
        assert "invalid memory address or nil pointer dereference" in honest.rehearsal.kubectl("logs", pod, "-n", NAMESPACE, "-c", "main", "--previous")
        assert honest.chat("nobody picks", honest.token("caller"))[0] == 200
    finally:
        assert rehearsal_cli("repair", "--name", name, "--scenario", "epp-dead").returncode == 0
    honest.rehearsal.kubectl("delete", *pods, "--wait=false")  # or its back-off of minutes would have to be waited for
    honest.until("the picker again", lambda: main().get("ready"), 120)


def test_a_route_from_elsewhere_is_refused_when_the_gateway_says_so(honest: Honest) -> None:
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}
    patch = json.dumps({"spec": {"listeners": [listener]}})
    honest.rehearsal.kubectl("patch", "gateway", GATEWAY[1], "-n", GATEWAY[0], "--type=merge", "-p", patch)

    def accepted() -> Any:
        parents = (honest.get("httproute", f"{SERVICE}-kserve-route", "-n", NAMESPACE).get("status") or {}).get("parents") or []
        return {c["type"]: c for c in parents[0]["conditions"]}["Accepted"] if parents else {}

    try:
        honest.until("the refusal", lambda: accepted().get("reason") == "NotAllowedByListeners", 60)
        honest.until("404", lambda: honest.chat("nobody home", None)[0] == 404, 60)
    finally:
        honest.apply(*gateway_objects())
    honest.until("accepted again", lambda: accepted().get("status") == "True", 60)
    token = honest.token("caller")
    honest.until("200 again", lambda: honest.chat("home again", token)[0] == 200, 60)


def test_a_second_datasciencecluster_is_refused(honest: Honest) -> None:
    second = {"apiVersion": "datasciencecluster.opendatahub.io/v2", "kind": "DataScienceCluster", "metadata": meta("second"), "spec": {}}
    refusal = honest.rehearsal.kubectl("create", "--validate=false", "-f", "-", stdin=json.dumps(second), check=False)
    assert "Only one instance of DataScienceCluster object is allowed" in refusal
    refusal = honest.rehearsal.kubectl("delete", "dscinitialization", "default-dsci", check=False)
    assert "Cannot delete DSCI object when DSC object still exists" in refusal


@pytest.mark.wide
def test_a_gateway_without_address_says_so_until_it_is_repaired(new_rehearsal: Any) -> None:
    cluster = new_rehearsal("--profile", "h200-roce", "--openshift", "4.20", "--speed", "4", "--scenario", "gateway-no-address")
    honest = Honest(cluster)
    honest.apply(*gateway_objects())

    def programmed() -> dict[str, Any]:
        status = honest.get("gateway", GATEWAY[1], "-n", GATEWAY[0]).get("status") or {}
        return next((c for c in status.get("conditions") or [] if c["type"] == "Programmed"), {})

    honest.until("istiod's report", lambda: programmed().get("reason") == "AddressNotAssigned")
    host = f"{GATEWAY[1]}-openshift-default.{GATEWAY[0]}.svc.cluster.local"
    assert f'address pending for hostname "{host}"' in programmed()["message"]
    assert honest.get("service", f"{GATEWAY[1]}-openshift-default", "-n", GATEWAY[0])["status"]["loadBalancer"] == {}
    done = rehearsal_cli("repair", "--name", cluster.name)
    assert done.returncode == 0, done.stderr
    honest.until("an address after the repair", lambda: programmed().get("status") == "True", 120)
