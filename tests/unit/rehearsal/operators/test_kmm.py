# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel Module Management by itself: a plain Module, its images, loading, changing and unloading."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.operators import kmm_objects as kmm
from rehearsal.operators import pod_logs
from rehearsal.operators.kmm import Kmm

KERNEL = "5.14.0-570.49.1.el9_6.x86_64"
READY = "kmm.node.kubernetes.io/lab.my-kmod.ready"


def module(**container: Any) -> dict[str, Any]:
    loader = {"modprobe": {"moduleName": "my_kmod"}, "kernelMappings": [{"regexp": "^5\\..*$", "containerImage": "quay.io/lab/kmod:${KERNEL_XYZ}"}]}
    spec = {"selector": {"role": "gpu"}, "moduleLoader": {"container": {**loader, **container}}}
    return {"apiVersion": kmm.API, "kind": "Module", "metadata": {"name": "my-kmod", "namespace": "lab"}, "spec": spec}


class TestImages:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("r/k:${KERNEL_FULL_VERSION}", f"r/k:{KERNEL}"),
            ("r/$MOD_NAMESPACE/$MOD_NAME:${KERNEL_XYZ}", "r/lab/my-kmod:5.14.0"),
            ("r/k:$KERNEL_X.$KERNEL_Y", "r/k:5.14"),
            ("r/k:$UNKNOWN", "r/k:$UNKNOWN"),
        ],
    )
    def test_variables(self, given: str, expected: str) -> None:
        assert kmm.image_for(module(), {"containerImage": given}, KERNEL) == expected

    def test_the_first_mapping_that_fits_counts(self) -> None:
        rows = [{"literal": "4.18"}, {"literal": KERNEL, "containerImage": "exact"}, {"regexp": ".*", "containerImage": "any"}]
        found = kmm.mapping_for(module(kernelMappings=rows), KERNEL)
        assert found is not None and found["containerImage"] == "exact"
        assert kmm.mapping_for(module(kernelMappings=rows[:1]), KERNEL) is None


@pytest.fixture
def lab(world: Any) -> Any:
    """One node, no hardware of interest; `settle()` runs KMM."""
    world.settings.data["profile"]["delays"] = {"kmm-build": 0.0, "kmm-load": 0.0}
    world.node("gpu-0", {"role": "gpu"})
    world.kube.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}})
    operator = world.run(Kmm, {"metadata": {"name": "kernel-module-management.v2", "namespace": "openshift-kmm"}})

    def settle(rounds: int = 6) -> None:
        for _ in range(rounds):
            for obj in list(world.kube.objects.values()):
                if (obj["apiVersion"], obj["kind"]) in operator.watches and world.kube.path_of(obj) in world.kube.objects:
                    operator.reconcile(world.kube, obj)

    world.settle = settle
    return world


def labels(world: Any) -> dict[str, str]:
    return dict(world.kube.get("v1|Node||gpu-0")["metadata"]["labels"])


def live(world: Any) -> Any:
    return world.kube.get(f"{kmm.API}|Module|lab|my-kmod")


def modules(world: Any) -> list[dict[str, Any]]:
    return list((world.kube.get(f"{kmm.API}|NodeModulesConfig||gpu-0").get("status") or {}).get("modules") or [])


def test_a_ready_made_image_is_loaded_and_unloaded(lab: Any) -> None:
    lab.kube.add(module())
    lab.settle()
    assert labels(lab)[READY] == ""
    assert modules(lab)[0]["config"]["containerImage"] == "quay.io/lab/kmod:5.14.0"
    assert live(lab)["status"]["moduleLoader"] == {"nodesMatchingSelectorNumber": 1, "desiredNumber": 1, "availableNumber": 1}
    live(lab)["metadata"]["deletionTimestamp"] = "now"
    lab.settle()
    assert READY not in labels(lab) and modules(lab) == []
    assert live(lab)["metadata"]["finalizers"] == []
    assert lab.events("ModuleUnloaded")


def test_no_mapping_for_the_kernel_no_module(lab: Any) -> None:
    lab.kube.add(module(kernelMappings=[{"literal": "6.1", "containerImage": "x"}]))
    lab.settle()
    assert READY not in labels(lab)
    assert live(lab)["status"]["moduleLoader"] == {"nodesMatchingSelectorNumber": 1, "desiredNumber": 0, "availableNumber": 0}


def test_an_image_of_the_own_registry_that_nobody_builds_never_comes(lab: Any) -> None:
    image = "image-registry.openshift-image-registry.svc:5000/lab/kmod:1"
    lab.kube.add(module(kernelMappings=[{"regexp": ".*", "containerImage": image}]))
    lab.settle()
    assert READY not in labels(lab)


def test_a_build_for_a_registry_that_does_not_run_says_so_and_is_carried_out_when_it_does(lab: Any) -> None:
    image = "image-registry.openshift-image-registry.svc:5000/lab/kmod:1"
    lab.kube.add(module(kernelMappings=[{"regexp": ".*", "containerImage": image, "build": {"dockerfileConfigMap": {"name": "dockerfile"}}}]))

    def build() -> dict[str, Any]:
        return next(obj for obj in lab.kube.objects.values() if obj["kind"] == "Build")

    def pods() -> list[dict[str, Any]]:
        return [obj for obj in lab.kube.objects.values() if obj["kind"] == "Pod" and obj["metadata"]["name"].endswith("-build")]

    lab.settle()
    assert build()["spec"]["output"]["to"] == {"kind": "DockerImage", "name": image} and lab.events("BuildCreated")
    assert build()["status"] == {"phase": "New", "reason": "InvalidOutputReference", "message": "Output image could not be resolved."}
    assert not pods() and READY not in labels(lab)

    available = [{"type": "Available", "status": "True"}]
    lab.kube.add({"apiVersion": "imageregistry.operator.openshift.io/v1", "kind": "Config", "metadata": {"name": "cluster"},
                  "spec": {"managementState": "Managed"}, "status": {"conditions": available}})
    lab.settle()
    assert build()["status"] == {"phase": "Pending"}
    pods()[0]["spec"]["nodeName"] = "gpu-0"
    lab.settle()
    assert build()["status"] == {"phase": "Complete", "outputDockerImageReference": image}
    assert labels(lab)[READY] == "" and lab.events("BuildSucceeded")


def test_another_content_is_loaded_after_the_old_one_is_unloaded(lab: Any) -> None:
    lab.kube.add(module())
    lab.settle()
    live(lab)["spec"]["moduleLoader"]["container"]["kernelMappings"][0]["containerImage"] = "quay.io/lab/kmod:new"
    lab.kube.writes.clear()
    lab.settle()
    assert modules(lab)[0]["config"]["containerImage"] == "quay.io/lab/kmod:new"
    assert lab.kube.writes.count("create Pod kmm-worker-gpu-0-my-kmod") == 2, "unload, then load"


def test_an_ordered_upgrade_waits_for_the_nodes_label(lab: Any) -> None:
    lab.kube.add(module(version="2"))
    lab.settle()
    assert READY not in labels(lab)
    lab.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["kmm.node.kubernetes.io/version-module.lab.my-kmod"] = "2"
    lab.settle()
    assert labels(lab)[READY] == ""
    assert labels(lab)["beta.kmm.node.kubernetes.io/version-worker-pod.lab.my-kmod"] == "2"


def test_a_cordon_unloads_and_an_uncordon_loads_again(lab: Any) -> None:
    lab.kube.add(module())
    lab.settle()
    lab.kube.get("v1|Node||gpu-0")["spec"]["unschedulable"] = True
    lab.settle()
    assert READY not in labels(lab) and modules(lab) == []
    lab.kube.get("v1|Node||gpu-0")["spec"]["unschedulable"] = False
    lab.settle()
    assert labels(lab)[READY] == ""


def test_a_module_in_use_cannot_be_unloaded(lab: Any) -> None:
    lab.kube.add(module(modprobe={"moduleName": "amdgpu"}))
    lab.settle()
    held = lab.pod("model", "gpu-0", containers=[{"name": "c", "image": "i", "resources": {"limits": {"amd.com/gpu": "1"}}}])
    live(lab)["metadata"]["deletionTimestamp"] = "now"
    lab.settle()
    worker = lab.kube.get("v1|Pod|lab|kmm-worker-gpu-0-my-kmod")
    assert "Module amdgpu is in use" in pod_logs.path(lab.settings.state, worker["metadata"]["uid"], "worker").read_text()
    assert kmm.FINALIZER in live(lab)["metadata"]["finalizers"]
    lab.kube.delete(lab.kube.path_of(held))
    lab.settle()
    assert live(lab)["metadata"]["finalizers"] == []
