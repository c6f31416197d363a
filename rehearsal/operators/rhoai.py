# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the OpenShift AI operator: DSCInitialization and DataScienceCluster, and of its components the one that llm-d needs.

`default-dsci` appears by itself. Component kserve Managed brings the real KServe controller (kserve.py) and the stand-in of
odh-model-controller (odh_model_controller.py). Other components are only reported. Not played: the dashboard's gateway.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, ClassVar

from rehearsal.kube import Kube, KubeError, NotFound
from rehearsal.operators import rhoai_status
from rehearsal.operators.kserve import KServe
from rehearsal.operators.rhoai_admission import Guards
from rehearsal.operators.rhoai_release import Release
from rehearsal.operators.runtime import Key, Object, StandIn, find_condition, owner_reference
from rehearsal.operators.workloads import available, deployment, namespace_object

DSC_GROUP, DSCI_GROUP = "datasciencecluster.opendatahub.io", "dscinitialization.opendatahub.io"
COMPONENT_API = "components.platform.opendatahub.io/v1alpha1"
SERVICE_API = "serving.kserve.io/v1alpha2"
OLM = "operators.coreos.com/v1alpha1"
APPLICATIONS, MONITORING = "redhat-ods-applications", "redhat-ods-monitoring"
PLATFORM = "OpenShift AI Self-Managed"
# What the DataScienceCluster hands on to the component; the last two: 2.25 only.
COMPONENT_FIELDS = ("rawDeploymentServiceConfig", "nim", "modelsAsService", "defaultDeploymentMode", "serving")
CONTROLLER_LOOK = 1.0  # seconds between looks whether the controller answers


class RhodsOperator(StandIn):
    """DSCInitialization -> namespaces; DataScienceCluster -> components, conditions, phase."""

    csv_prefix = "rhods-operator."
    name = "rhods-operator"
    watches: ClassVar = [(f"{DSC_GROUP}/v2", "DataScienceCluster")]  # replaced below: the version follows the release
    workers: ClassVar = 2  # the component's installation must not hold up the cluster's status
    delays: ClassVar = {"dsci-ready": 2.0, "dsc-ready": 4.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.release = Release((self.csv or {})["spec"]["version"])
        self.dsc_api, self.dsci_api = f"{DSC_GROUP}/{self.release.api}", f"{DSCI_GROUP}/{self.release.api}"
        self.watches = [  # type: ignore[misc]
            (self.dsc_api, "DataScienceCluster"), (self.dsci_api, "DSCInitialization"), (COMPONENT_API, "Kserve"),
            ("apps/v1", "Deployment"), (OLM, "Subscription"), ("v1", "Pod"),
        ]
        self._kserve: KServe | None = None
        self._guards: Guards | None = None

    def start(self, kube: Kube) -> None:
        """The operator's webhooks; and its own DSCInitialization when the cluster has none."""
        self._guard(kube)
        path = kube.path(self.dsci_api, "DSCInitialization")
        if not kube.list(path):
            kube.create(path, default_dsci(self.dsci_api, self.release))

    def stop(self) -> None:
        if self._guards is not None:
            for hook in self._guards.registrations():
                with contextlib.suppress(KubeError):  # the API server may be ending, too
                    self.kube.delete(self.kube.path_of(hook))
            self._guards.close()

    def _guard(self, kube: Kube) -> None:
        if self._guards is None:
            self._guards = Guards(
                self.state / "run" / "webhooks",
                lambda: kube.list(kube.path(self.dsc_api, "DataScienceCluster")),
                lambda: kube.list(kube.path(self.dsci_api, "DSCInitialization")),
                lambda namespace, name: self.find(SERVICE_API, "LLMInferenceService", name, namespace),
                lambda: not self.release.authenticates or (self._kserve is not None and self._kserve.policies_known),
            )
        for hook in self._guards.registrations():
            kube.apply(hook, manager=self.agent())

    def route(self, event: str, obj: Object) -> Iterable[Object | Key]:
        kind = obj["kind"]
        if kind == "Pod":
            control = (obj["metadata"].get("labels") or {}).get("control-plane")
            return self.objects(COMPONENT_API, "Kserve") if control in self.release.deployments else []
        if kind == "DSCInitialization":
            return [obj, *self._clusters()]
        if kind in ("DataScienceCluster", "Kserve"):
            return [obj, *(self._clusters() if kind == "Kserve" else [])]
        if kind == "Deployment" and not self.owners(obj, "Kserve"):
            return []
        return self.objects(COMPONENT_API, "Kserve")

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        if obj["metadata"].get("deletionTimestamp"):
            return None
        work = {"DSCInitialization": self._initialize, "DataScienceCluster": self._cluster, "Kserve": self._component}
        return work[obj["kind"]](kube, obj)

    def deleted(self, kube: Kube, obj: Object) -> None:
        if obj["kind"] == "Kserve" and self._kserve is not None:
            self._kserve.remove(kube)
            self._kserve = None

    # ---- DSCInitialization

    def _initialize(self, kube: Kube, obj: Object) -> float | None:
        first = self._first(self.dsci_api, "DSCInitialization")
        if first["metadata"]["uid"] != obj["metadata"]["uid"]:
            text = f"only one instance of DSCInitialization object is allowed. Update existing instance {first['metadata']['name']}"
            self._report(kube, obj, rhoai_status.initialization(text))
            return None
        for name in (applications_namespace(obj), monitoring_namespace(obj)):
            labels = {"opendatahub.io/generated-namespace": "true", "pod-security.kubernetes.io/enforce": "baseline"}
            self.ensure(kube, namespace_object(name, {**labels, "kubernetes.io/metadata.name": name}))
        left = self.remaining("dsci-ready", obj)
        self._report(kube, obj, rhoai_status.progressing() if left else rhoai_status.initialization())
        return left or None

    def _first(self, api: str, kind: str) -> Object:
        """The oldest instance: the one that counts."""
        found = self.objects(api, kind)
        return min(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))

    def _initialized(self) -> Object | None:
        for one in self.objects(self.dsci_api, "DSCInitialization"):
            if (one.get("status") or {}).get("phase") == "Ready":
                return one
        return None

    # ---- DataScienceCluster

    def _clusters(self) -> list[Object]:
        return self.objects(self.dsc_api, "DataScienceCluster")

    def _cluster(self, kube: Kube, obj: Object) -> float | None:
        problem = self._precondition(obj)
        if problem:
            self._report(kube, obj, rhoai_status.refused(problem))
            return None
        states = management_states(obj, self.release)
        if self._initialized() is None:
            self._report(kube, obj, rhoai_status.refused("DSCInitialization is not ready"))
            return 1.0
        have = self.find(COMPONENT_API, "Kserve", "default-kserve")
        if states["kserve"] == "Managed":
            self.ensure(kube, kserve_component(obj))
        elif have is not None:
            kube.delete(kube.path_of(have))
        ready: dict[str, Object] = {name: {"status": "True"} for name, state in states.items() if state == "Managed" and name != "kserve"}
        mine = find_condition(have, "Ready") if have else None
        if mine:
            ready["kserve"] = mine
        phase, conditions = rhoai_status.data_science_cluster(self.release, states, ready)
        conditions += component_conditions(have) if states["kserve"] == "Managed" else []
        self._report(kube, obj, (phase, conditions), {
            "installedComponents": {name: state == "Managed" for name, state in sorted(states.items())},
            "components": {name: {"managementState": state} for name, state in sorted(states.items())},
        })
        return None

    def _precondition(self, obj: Object) -> str:
        if not self.objects(self.dsci_api, "DSCInitialization"):
            return f'failed to get a valid DataScienceCluster instance, dscinitializations.{DSCI_GROUP} "" not found'
        others = self._clusters()
        if len(others) > 1 and self._first(self.dsc_api, "DataScienceCluster")["metadata"]["uid"] != obj["metadata"]["uid"]:
            return (f"failed to get a valid DSCInitialization instance, failed to get a valid {self.dsc_api}, Kind=DataScienceCluster "
                    f"instance, expected to find 1 instance, found {len(others)}")
        return ""

    def _report(self, kube: Kube, obj: Object, judged: tuple[str, list[Object]], extra: Object | None = None) -> None:
        phase, conditions = judged
        release = {"name": PLATFORM, "version": self.release.version}
        status = {"phase": phase, "release": release, **(extra or {})}
        if obj["kind"] == "DataScienceCluster":
            status["observedGeneration"] = obj["metadata"]["generation"]
        self.set_status(kube, obj, status, conditions)

    # ---- component KServe

    def _controller_pods(self, namespace: str) -> frozenset[str]:
        """The pods that the controller runs in, as a person sees it: deleting them restarts the controller."""
        name = list(self.release.deployments)[-1]
        pods = self.objects("v1", "Pod", namespace)
        return frozenset(p["metadata"]["uid"] for p in pods if (p["metadata"].get("labels") or {}).get("control-plane") == name)

    def _component(self, kube: Kube, obj: Object) -> float | None:
        initialized = self._initialized()
        if initialized is None:
            return 1.0
        subscribed = {(one.get("spec") or {}).get("name", "") for one in self.objects(OLM, "Subscription")}
        lacking = rhoai_status.serverless_lacking(obj, self.release, subscribed)
        if lacking:
            self.set_status(kube, obj, {"phase": "Not Ready", "observedGeneration": obj["metadata"]["generation"]}, lacking)
            return None
        namespace = applications_namespace(initialized)
        if self._kserve is None or self._kserve.namespace != namespace:
            self._kserve = KServe(self, self.release, namespace)
        try:
            self._kserve.install(kube, obj, self._controller_pods(namespace))
        except NotFound as error:  # a definition was applied this moment and isn't served yet
            self.log.info("waiting: %s", error)
            return 0.5
        wanted = {**self.release.deployments, "odh-model-controller": self.release.image("model-controller")}
        for name, image in wanted.items():
            labels = {"control-plane": name, "app.opendatahub.io/kserve": "true", "app.kubernetes.io/name": name}
            environment = {"LLM_INFERENCE_SERVICE_CONFIG_PREFIX": self.release.preset_prefix} if name != "odh-model-controller" else {}
            self.ensure(kube, deployment(name, namespace, image, labels, owner=obj, env=environment))
        left = self.remaining("dsc-ready", obj)
        answers = self._kserve.answers()
        waiting = [name for name in self.release.deployments if not available(self.find("apps/v1", "Deployment", name, namespace))]
        if (left or not answers) and not waiting:
            waiting = [list(self.release.deployments)[-1]]  # its pod is "Ready" at once here; the controller behind it isn't
        subscriptions = {one["metadata"]["name"] for one in self.objects(OLM, "Subscription")}
        conditions = rhoai_status.kserve(self.release, waiting, subscriptions)
        phase = "Ready" if conditions[0]["status"] == "True" else "Not Ready"
        self.set_status(kube, obj, {"phase": phase, "observedGeneration": obj["metadata"]["generation"]}, conditions)
        if left:
            return left
        return None if answers else CONTROLLER_LOOK


def default_dsci(api: str, release: Release) -> Object:
    """The DSCInitialization that the operator makes."""
    spec: Object = {"applicationsNamespace": APPLICATIONS, "monitoring": {"managementState": "Managed", "namespace": MONITORING},
                    "trustedCABundle": {"managementState": "Managed", "customCABundle": ""}}
    if release.minor < (3, 0):
        plane = {"metricsCollection": "Istio", "namespace": "istio-system", "name": "data-science-smcp"}
        spec["serviceMesh"] = {"managementState": "Managed", "controlPlane": plane}
    return {"apiVersion": api, "kind": "DSCInitialization", "metadata": {"name": "default-dsci"}, "spec": spec}


def applications_namespace(dsci: Object) -> str:
    """Where the components live."""
    return dsci["spec"].get("applicationsNamespace") or APPLICATIONS


def monitoring_namespace(dsci: Object) -> str:
    """Where the monitoring lives."""
    return (dsci["spec"].get("monitoring") or {}).get("namespace") or MONITORING


def management_states(dsc: Object, release: Release) -> dict[str, str]:
    """Management state of every component; what isn't named is Removed."""
    names = rhoai_status.V1_COMPONENTS if release.api == "v1" else rhoai_status.V2_COMPONENTS
    asked = dsc["spec"].get("components") or {}
    states = {name: (asked.get(name) or {}).get("managementState") or "Removed" for name in sorted({*names, *asked})}
    return {"kserve": "Removed", **states}


def kserve_component(dsc: Object) -> Object:
    """Kserve `default-kserve`, as the DataScienceCluster asks for it."""
    asked = {key: value for key, value in dsc["spec"]["components"]["kserve"].items() if key in COMPONENT_FIELDS}
    meta = {"name": "default-kserve", "annotations": {"component.opendatahub.io/management-state": "Managed"},
            "ownerReferences": [owner_reference(dsc)]}
    return {"apiVersion": COMPONENT_API, "kind": "Kserve", "metadata": meta, "spec": asked}


def component_conditions(component: Object | None) -> list[Object]:
    """The component's informational conditions as the DataScienceCluster repeats them (prefix Kserve)."""
    conditions = ((component or {}).get("status") or {}).get("conditions") or []
    mine = [item for item in conditions if item["type"].startswith("LLMInferenceService")]
    return [{**{key: item[key] for key in item if key != "lastTransitionTime"}, "type": f"Kserve{item['type']}"} for item in mine]
