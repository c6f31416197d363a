# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NFD: features, labels under every configuration, the CR's conditions, and what a node gets."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.operators.nfd import Nfd, allowed, label_patch, scan_interval, status_conditions
from rehearsal.operators.nfd_features import PREFIX, BadConfig, features, labels, parse_config

CSV = {"metadata": {"name": "nfd.4.20.0", "namespace": "openshift-nfd", "annotations": {"olm.targetNamespaces": "openshift-nfd"}}}
SAMPLE = 'sources: {pci: {deviceClassWhitelist: ["0200", "03", "12"], deviceLabelFields: [vendor]}}'


def names(found: dict[str, Any], config: str = "") -> set[str]:
    return {key.removeprefix(PREFIX) for key in labels(found, parse_config(config))}


class TestFeatures:
    def test_every_pci_device_is_there_whatever_the_white_list_says(self, server: Any, openshift: Any) -> None:
        elements = features(server, openshift)["instances"]["pci.device"]["elements"]
        classes = sorted(item["attributes"]["class"] for item in elements)
        assert classes == ["0108"] * 3 + ["0200"] + ["0302"] * 8 + ["0680"]

    @pytest.mark.parametrize(("health", "seen"), [("missing", 7), ("fallen-off-bus", 8)])
    def test_a_missing_gpu_is_not_seen_one_off_the_bus_still_is(self, server: Any, openshift: Any, health: str, seen: int) -> None:
        server["gpus"][0]["health"] = health
        elements = features(server, openshift)["instances"]["pci.device"]["elements"]
        assert sum(item["attributes"]["vendor"] == "10de" and item["attributes"]["class"] == "0302" for item in elements) == seen

    def test_a_link_that_is_down_has_no_speed(self, server: Any, openshift: Any) -> None:
        server["nics"][0]["state"] = "down"
        (nic,) = features(server, openshift)["instances"]["network.device"]["elements"]
        assert (nic["attributes"]["operstate"], nic["attributes"]["speed"]) == ("down", "-1")

    def test_the_running_kernel_counts(self, server: Any, openshift: Any) -> None:
        kernel = features(server, openshift, "6.12.0-55.el10.aarch64")["attributes"]["kernel.version"]["elements"]
        assert kernel == {"full": "6.12.0-55.el10.aarch64", "major": "6", "minor": "12", "revision": "0"}

    def test_all_values_are_strings_as_the_schema_wants(self, server: Any, openshift: Any) -> None:
        found = features(server, openshift)
        for part in found["attributes"].values():
            assert all(isinstance(value, str) for value in part["elements"].values())
        for part in found["instances"].values():
            assert all(isinstance(value, str) for item in part["elements"] for value in item["attributes"].values())


class TestLabels:
    def test_without_configuration_nic_labels_are_missing_and_gpus_carry_their_class(self, server: Any, openshift: Any) -> None:
        made = names(features(server, openshift))
        assert "pci-0302_10de.present" in made
        assert not any(name.startswith(("pci-0200", "pci-10de", "pci-15b3")) for name in made)

    def test_the_openshift_sample_gives_vendor_labels(self, server: Any, openshift: Any) -> None:
        made = names(features(server, openshift), SAMPLE)
        assert {"pci-10de.present", "pci-15b3.present", "pci-15b3.sriov.capable"} <= made

    def test_infiniband_cards_are_overlooked_by_the_sample(self, server: Any, openshift: Any) -> None:
        server["nics"][0]["class"] = "0207"
        found = features(server, openshift)
        assert "pci-15b3.present" not in names(found, SAMPLE)
        assert "pci-15b3.present" in names(found, SAMPLE.replace("0200", "02"))

    def test_an_unknown_label_field_is_dropped(self, server: Any, openshift: Any) -> None:
        made = names(features(server, openshift), 'sources: {pci: {deviceLabelFields: ["vendor", "color"]}}')
        assert "pci-10de.present" in made
        made = names(features(server, openshift), 'sources: {pci: {deviceLabelFields: ["color"]}}')
        assert "pci-0302_10de.present" in made

    def test_rdma_is_capable_by_vendor_and_available_by_modules(self, server: Any, openshift: Any) -> None:
        found = features(server, openshift)
        assert "rdma.capable" in names(found)
        assert "rdma.available" not in names(found)  # a plain RHCOS has no rdma_ucm
        found["flags"]["kernel.loadedmodule"]["elements"]["rdma_ucm"] = {}
        assert "rdma.available" in names(found)
        server["nics"][0]["pci_id"] = "14e4:1760"
        assert "rdma.capable" not in names(features(server, openshift))

    def test_sources_can_be_switched_off(self, server: Any, openshift: Any) -> None:
        made = names(features(server, openshift), "core: {labelSources: [all, -pci, -cpu]}")
        assert not any(name.startswith(("pci-", "cpu-")) for name in made)
        assert names(features(server, openshift), "core: {labelSources: [storage]}") == {"storage-nonrotationaldisk"}

    def test_os_release_changed_its_id_with_4_19(self, server: Any, openshift: Any) -> None:
        now = labels(features(server, openshift), {})
        then = labels(features(server, {**openshift, "version": "4.18.9"}), {})
        key = f"{PREFIX}system-os_release."
        assert (now[f"{key}ID"], now[f"{key}VERSION_ID"]) == ("rhel", "9.6")
        assert (then[f"{key}ID"], then[f"{key}VERSION_ID"], then[f"{key}RHEL_VERSION"]) == ("rhcos", "4.18", "9.6")

    @pytest.mark.parametrize("text", ["sources: [", "just words", "- a\n- b"])
    def test_a_broken_configuration_is_refused(self, text: str) -> None:
        with pytest.raises(BadConfig, match="failed to parse config"):
            parse_config(text)

    def test_the_masters_white_list_is_a_regular_expression_on_the_name(self) -> None:
        assert allowed({f"{PREFIX}cpu-a": "1", f"{PREFIX}pci-b": "1"}, "^pci") == {f"{PREFIX}pci-b": "1"}


class TestLabelPatch:
    def test_only_labels_that_nfd_gave_are_taken_away(self) -> None:
        node = {
            "metadata": {
                "name": "n",
                "labels": {f"{PREFIX}old": "true", f"{PREFIX}hand-made": "true", f"{PREFIX}same": "1"},
                "annotations": {"nfd.node.kubernetes.io/feature-labels": "old,same"},
            }
        }
        patch = label_patch(node, {f"{PREFIX}same": "1", f"{PREFIX}new": "true"})
        assert patch["labels"] == {f"{PREFIX}new": "true", f"{PREFIX}old": None}

    def test_nothing_to_do_means_no_patch(self) -> None:
        notes = {"nfd.node.kubernetes.io/feature-labels": "a"}
        assert label_patch({"metadata": {"name": "n", "labels": {f"{PREFIX}a": "1"}, "annotations": notes}}, {f"{PREFIX}a": "1"}) == {}

    @pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("1m30s", 90), ("500ms", 1), ("", 60), ("soon", 60)])
    def test_sleep_interval(self, text: str, seconds: float) -> None:
        assert scan_interval({"core": {"sleepInterval": text}}) == seconds


class TestConditions:
    def workload(self, kind: str, **status: Any) -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": "w"}, "status": status}

    def told(self, conditions: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
        return {item["type"]: (item["status"], item["reason"]) for item in conditions}

    def test_all_well(self) -> None:
        worker = self.workload("DaemonSet", desiredNumberScheduled=2, currentNumberScheduled=2, numberReady=2)
        up = self.workload("Deployment", availableReplicas=1)
        assert self.told(status_conditions(worker, up, up))["Available"] == ("True", "AllInstanceComponentsAreDeployedSuccessfuly")

    def test_no_node_for_the_worker_is_degraded(self) -> None:
        told = self.told(status_conditions(self.workload("DaemonSet", desiredNumberScheduled=0), None, None))
        assert told["Degraded"] == ("True", "NFDWorkerDaemonSetDegraded")
        assert told["Available"][0] == "False"

    def test_workers_that_start_are_progress_and_a_missing_master_is_not(self) -> None:
        worker = self.workload("DaemonSet", desiredNumberScheduled=2, currentNumberScheduled=2, numberReady=1)
        assert self.told(status_conditions(worker, None, None))["Progressing"] == ("True", "NFDWorkerDaemonSetProgressing")
        worker["status"]["numberReady"] = 2
        assert self.told(status_conditions(worker, None, None))["Degraded"] == ("True", "FailedGettingNFDMasterDeployment")


class TestOperator:
    def cr(self, world: Any, namespace: str = "openshift-nfd", text: str = SAMPLE, **spec: Any) -> Any:
        meta = {"name": "nfd", "namespace": namespace, "finalizers": ["nfd-finalizer"]}
        body = {"workerConfig": {"configData": text}, **spec}
        return world.kube.add({"apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": meta, "spec": body})

    def worker(self, world: Any, ready: bool = True) -> Any:
        world.node("gpu-0")
        pod = world.pod("nfd-worker-x", "gpu-0", "openshift-nfd", metadata={"labels": {"app": "nfd-worker"}})
        pod["status"]["conditions"][0]["status"] = "True" if ready else "False"
        return pod

    def test_a_bare_node_shows_nothing_before_a_worker_is_ready(self, world: Any) -> None:
        world.no_delays()
        nfd = world.run(Nfd, CSV)
        self.cr(world)
        pod = self.worker(world, ready=False)
        nfd.reconcile(world.kube, pod)
        assert not any(key.startswith(PREFIX) for key in world.kube.get("v1|Node||gpu-0")["metadata"]["labels"])
        pod["status"]["conditions"][0]["status"] = "True"
        assert nfd.reconcile(world.kube, pod) == 60.0
        assert world.kube.get("v1|Node||gpu-0")["metadata"]["labels"][f"{PREFIX}pci-10de.present"] == "true"
        assert world.kube.get("nfd.k8s-sigs.io/v1alpha1|NodeFeature|openshift-nfd|gpu-0")

    def test_a_cr_outside_the_operator_group_is_not_seen(self, world: Any) -> None:
        cr = self.cr(world, namespace="elsewhere")
        assert world.run(Nfd, CSV).reconcile(world.kube, cr) is None
        assert world.kube.writes == []

    def test_a_broken_configuration_crashes_the_worker(self, world: Any) -> None:
        self.cr(world, text="sources: [")
        pod = self.worker(world)
        world.run(Nfd, CSV).reconcile(world.kube, pod)
        waiting = world.kube.get(world.kube.path_of(pod))["status"]["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "CrashLoopBackOff"
        assert world.events("BackOff")

    def test_labels_stay_after_the_cr_unless_pruning_was_asked_for(self, world: Any) -> None:
        world.no_delays()
        nfd = world.run(Nfd, CSV)
        cr = self.cr(world)
        nfd.reconcile(world.kube, self.worker(world))
        cr["metadata"]["deletionTimestamp"] = "now"
        nfd.reconcile(world.kube, cr)
        key = f"{PREFIX}pci-10de.present"
        assert key in world.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
        cr = world.kube.get(world.kube.path_of(cr))
        assert cr["metadata"]["finalizers"] == []
        cr["spec"]["prunerOnDelete"] = True
        nfd.reconcile(world.kube, cr)
        assert key not in world.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
