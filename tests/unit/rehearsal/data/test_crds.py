# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-written CRDs: structural, strict, and right for objects as the products' documentation shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from rehearsal import crds, data

FILES = sorted((data.ROOT / "crds").glob("*.yaml"))
DEFINITIONS = [entry.crd for entry in crds.hand_written(data.ROOT / "crds")]
# Objects that have no fields at all in the product.
EMPTY = {"metadata", "alerting", "status"}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[]")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_says_when_and_from_where(path: Any) -> None:
    head = re.match(r"(#[^\n]*\n)+", path.read_text())
    assert head and re.search(r"^# when: \S+$", head.group(), re.MULTILINE)
    assert "Fields: " in head.group() or "Group and versions: " in head.group()


@pytest.mark.parametrize("crd", DEFINITIONS, ids=lambda crd: crd["metadata"]["name"])
def test_definition_is_structural(crd: dict[str, Any]) -> None:
    spec = crd["spec"]
    assert crd["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
    assert sum(version["storage"] for version in spec["versions"]) == 1
    for version in spec["versions"]:
        for path, schema in nodes(version["schema"]["openAPIV3Schema"]):
            assert "type" in schema or schema.get("x-kubernetes-int-or-string"), path
            assert not ("properties" in schema and "additionalProperties" in schema), path
            assert set(schema.get("required", [])) <= set(schema.get("properties", {})), path
            if "enum" in schema:
                assert all(isinstance(word, str) for word in schema["enum"]), (
                    path
                )  # a bare on/True in YAML is a boolean
                assert schema.get("default", schema["enum"][0]) in schema["enum"], path
            if schema.get("type") == "array":
                assert "items" in schema, path


@pytest.mark.parametrize("crd", DEFINITIONS, ids=lambda crd: crd["metadata"]["name"])
def test_spec_keeps_no_unknown_field(crd: dict[str, Any]) -> None:
    for version in crd["spec"]["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        assert not schema.get("x-kubernetes-preserve-unknown-fields")
        assert not schema["properties"].get("spec", {}).get("x-kubernetes-preserve-unknown-fields")
        for path, node in nodes(schema):
            free = (
                "properties" in node
                or "additionalProperties" in node
                or node.get("x-kubernetes-preserve-unknown-fields")
            )
            if node.get("type") == "object" and path.rsplit(".", 1)[-1] not in EMPTY:
                assert free, f"{path}: everything in it would be dropped"


# As the documentation of the products shows them.
GOOD = """
apiVersion: nfd.openshift.io/v1
kind: NodeFeatureDiscovery
metadata: {name: nfd-instance, namespace: openshift-nfd}
spec:
  topologyUpdater: false
  operand: {servicePort: 12000}
  workerConfig: {configData: "sources: {pci: {deviceClassWhitelist: ['02', '03', '12'], deviceLabelFields: [vendor]}}"}
---
apiVersion: nvidia.com/v1
kind: ClusterPolicy
metadata: {name: gpu-cluster-policy}
spec:
  operator: {defaultRuntime: crio, use_ocp_driver_toolkit: true}
  daemonsets: {updateStrategy: RollingUpdate, tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]}
  driver:
    enabled: true
    kernelModuleType: open
    rdma: {enabled: true, useHostMofed: false}
    kernelModuleConfig: {name: kernel-module-params}
    manager: {env: [{name: FORCE_REINSTALL, value: "true"}]}
    upgradePolicy: {autoUpgrade: true, maxParallelUpgrades: 1, maxUnavailable: 25%, drain: {enable: false}}
  gdrcopy: {enabled: true}
  toolkit: {enabled: true}
  devicePlugin: {enabled: true}
  dcgm: {enabled: true}
  dcgmExporter: {enabled: true, config: {name: metrics}, serviceMonitor: {enabled: true, interval: 15s}}
  gfd: {enabled: true, env: [{name: USE_NODE_FEATURE_API, value: "true"}]}
  mig: {strategy: single}
  nodeStatusExporter: {enabled: true}
  hostPaths: {rootFS: /, driverInstallDir: /run/nvidia/driver}
---
apiVersion: operator.openshift.io/v1
kind: LeaderWorkerSetOperator
metadata: {name: cluster}
spec: {managementState: Managed, logLevel: Normal, operatorLogLevel: Normal}
---
apiVersion: operator.openshift.io/v1alpha1
kind: CertManager
metadata: {name: cluster}
spec: {managementState: Managed, controllerConfig: {overrideArgs: [--dns01-recursive-nameservers-only]}}
---
apiVersion: dscinitialization.opendatahub.io/v2
kind: DSCInitialization
metadata: {name: default-dsci}
spec: {applicationsNamespace: redhat-ods-applications, monitoring: {managementState: Managed, namespace: redhat-ods-monitoring}}
---
apiVersion: dscinitialization.opendatahub.io/v1
kind: DSCInitialization
metadata: {name: default-dsci}
spec: {applicationsNamespace: redhat-ods-applications, serviceMesh: {managementState: Removed}}
---
apiVersion: datasciencecluster.opendatahub.io/v2
kind: DataScienceCluster
metadata: {name: default-dsc}
spec: {components: {kserve: {managementState: Managed, rawDeploymentServiceConfig: Headed}, aipipelines: {managementState: Removed}}}
---
apiVersion: mellanox.com/v1alpha1
kind: NicClusterPolicy
metadata: {name: nic-cluster-policy}
spec:
  ofedDriver:
    image: doca-driver
    repository: nvcr.io/nvidia/mellanox
    version: doca3.2.0-25.10-1.2.8.0-2
    env: [{name: UNLOAD_STORAGE_MODULES, value: "true"}]
    upgradePolicy: {autoUpgrade: true, drain: {enable: true, force: true, timeoutSeconds: 300}}
  rdmaSharedDevicePlugin: {image: k8s-rdma-shared-dev-plugin, repository: ghcr.io/mellanox, version: "1.5", config: "{}"}
---
apiVersion: amd.com/v1alpha1
kind: DeviceConfig
metadata: {name: llmd-mi300x, namespace: openshift-amd-gpu}
spec:
  selector: {feature.node.kubernetes.io/amd-gpu: "true"}
  driver: {enable: true, version: "30.20.1", imageBuild: {sourceImageRepo: docker.io/rocm/amdgpu-driver}, useSourceImage: true, upgradePolicy: {enable: false}}
  devicePlugin: {enableNodeLabeller: true}
  metricsExporter: {enable: true}
---
apiVersion: local.storage.openshift.io/v1alpha1
kind: LocalVolumeDiscovery
metadata: {name: auto-discover-devices, namespace: openshift-local-storage}
spec: {nodeSelector: {nodeSelectorTerms: [{matchExpressions: [{key: node-role.kubernetes.io/worker, operator: Exists}]}]}}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: [198.18.9.1-198.18.9.9]}
---
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: openshift-gateway}
spec: {namespace: openshift-ingress, version: v1.26.8, updateStrategy: {type: InPlace}, values: {pilot: {env: {PILOT_ENABLE_GATEWAY_API: "true"}}}}
"""
BAD = {
    "ClusterPolicy": ("driver", {"kernelModuleTyp": "open"}, "kernelModuleTyp"),
    "NodeFeatureDiscovery": ("operand", {"port": 1}, "port"),
    "LeaderWorkerSetOperator": ("managementState", "Manged", "does not match"),
    "DataScienceCluster": (
        "components",
        {"kserve": {"managementState": "Managed", "defaultDeploymentMode": "RawDeployment"}},
        "defaultDeploymentMode",
    ),
    "NicClusterPolicy": ("ofedDriver", {"version": "1"}, "'image' is a required property"),
    "DeviceConfig": ("driver", {"enabled": True}, "enabled"),
}


@pytest.mark.parametrize(
    "obj", list(yaml.safe_load_all(GOOD)), ids=lambda obj: f"{obj['kind']}-{obj['apiVersion'].split('/')[1]}"
)
def test_documented_object_is_accepted(hand_written: crds.Crds, faults_of: Any, obj: dict[str, Any]) -> None:
    assert faults_of(hand_written, obj) == []


@pytest.mark.parametrize("kind", BAD)
def test_broken_object_is_refused(hand_written: crds.Crds, faults_of: Any, kind: str) -> None:
    field, value, said = BAD[kind]
    obj = next(obj for obj in yaml.safe_load_all(GOOD) if obj["kind"] == kind)
    obj["spec"][field] = value
    assert any(said in fault for fault in faults_of(hand_written, obj))


def test_empty_cluster_policy_is_refused(hand_written: crds.Crds, faults_of: Any) -> None:
    obj = {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "x"}, "spec": {}}
    assert len(faults_of(hand_written, obj)) == 9
