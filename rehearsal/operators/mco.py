# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the machine-config operator: MachineConfigs → rendered configurations → nodes, drained and rebooted one by one.

Sources: openshift/machine-config-operator pkg/controller/{render,node,drain,kubelet-config,container-runtime-config}, pkg/daemon
(states, annotations, events, words). What happens on one node is in `mco_node.py`. A part of the platform: it runs always.
MachineConfigNodes: `mco_told.py`. Not played: OS updates by ClusterVersion, on-cluster layering, pinned images, certificates.
"""

from __future__ import annotations

from typing import Any

from rehearsal.operators import mco_checks, mco_pool, mco_render
from rehearsal.operators.mco_node import NodeUpdate
from rehearsal.operators.mco_pool import CURRENT, DESIRED, DONE, REASON, STATE, note
from rehearsal.operators.runtime import (
    Kube,
    NotFound,
    Object,
    StandIn,
    condition,
    digest,
    find_condition,
    labels_of,
    matches,
    owner_reference,
)

API = "machineconfiguration.openshift.io/v1"
POOL, CONFIG = (API, "MachineConfigPool"), (API, "MachineConfig")
KUBELET, RUNTIME = (API, "KubeletConfig"), (API, "ContainerRuntimeConfig")
MACHINE_CONFIGURATION = ("operator.openshift.io/v1", "MachineConfiguration")
CONTROLLER_VERSION = "machineconfiguration.openshift.io/generated-by-controller-version"


class Mco(StandIn):
    """Pools, generated configurations and nodes. Reboots and drains are counted in `<state>/run/counters.json`."""

    name = "machine-config-operator"
    watches = [POOL, CONFIG, KUBELET, RUNTIME, MACHINE_CONFIGURATION, ("v1", "Node"), ("v1", "Pod")]
    delays = {"mco-render": 1.0, "drain": 2.0, "reboot": 5.0, "drain-threshold": 10.0, "drain-timeout": 60.0}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[str, str] = {}
        self.update = NodeUpdate(self, self.spec_of, self.policies)

    def start(self, kube: Kube) -> None:
        """The operator's own configuration is there from the installation on."""
        api_version, kind = MACHINE_CONFIGURATION
        spec = {"managementState": "Managed", "logLevel": "Normal", "operatorLogLevel": "Normal"}
        if kube.get(kube.path(api_version, kind, None, "cluster")) is None:
            kube.create(kube.path(api_version, kind), {"apiVersion": api_version, "kind": kind, "metadata": {"name": "cluster"}, "spec": spec})

    # ---- what wakes what

    def route(self, event: str, obj: Object) -> list[Object]:
        """Configurations wake the pools; a node wakes itself and the pools; a pod only a node that drains."""
        if obj["kind"] == "MachineConfigPool":
            # A pool that comes or goes moves nodes between pools, and generated configurations with them.
            return [obj] if event == "MODIFIED" else [*self.objects(*POOL), *self.objects(*KUBELET), *self.objects(*RUNTIME)]
        if obj["kind"] in ("KubeletConfig", "ContainerRuntimeConfig", "MachineConfiguration"):
            return [obj]
        if obj["kind"] == "MachineConfig":
            return [] if obj["metadata"]["name"].startswith("rendered-") and event != "DELETED" else self.objects(*POOL)
        if obj["kind"] == "Node":
            return self._node_changed(event, obj)
        if obj["kind"] == "Pod":
            node = self.find("v1", "Node", (obj.get("spec") or {}).get("nodeName") or "")
            return [node] if node is not None and self.update.is_draining(node) else []
        return []

    def _node_changed(self, event: str, node: Object) -> list[Object]:
        ready = [item["status"] for item in (node.get("status") or {}).get("conditions") or [] if item["type"] == "Ready"]
        mine = [note(node, key) for key in (CURRENT, DESIRED, STATE, REASON)]
        seen = digest([event == "DELETED", labels_of(node), (node.get("spec") or {}).get("unschedulable"), ready, mine])
        if self._seen.get(node["metadata"]["name"]) == seen:
            return []
        self._seen[node["metadata"]["name"]] = seen
        return [node, *self.objects(*POOL)]

    def reconcile(self, kube: Kube, obj: Object) -> float | None:
        """By kind."""
        if obj["kind"] == "MachineConfigPool":
            return self._pool(kube, obj)
        if obj["kind"] == "Node":
            return self.update.advance(kube, obj)
        if obj["kind"] in ("KubeletConfig", "ContainerRuntimeConfig"):
            return self._generate(kube, obj)
        if obj["kind"] == "MachineConfiguration":
            policies = {"clusterPolicies": mco_checks.cluster_policies(obj)}
            self.set_status(kube, obj, {"observedGeneration": obj["metadata"].get("generation", 1), "nodeDisruptionPolicyStatus": policies})
        return None

    def deleted(self, kube: Kube, obj: Object) -> None:
        """A KubeletConfig or ContainerRuntimeConfig takes its generated MachineConfigs with it."""
        if obj["kind"] in ("KubeletConfig", "ContainerRuntimeConfig"):
            for config in self.objects(*CONFIG):
                owners = [ref["uid"] for ref in config["metadata"].get("ownerReferences") or []]
                if obj["metadata"].get("uid") in owners:
                    kube.delete(kube.path_of(config))

    # ---- pools

    def nodes_of(self, pool: Object) -> list[Object]:
        """Nodes that the pool manages."""
        pools, name = self.objects(*POOL), pool["metadata"]["name"]
        return [node for node in self.objects("v1", "Node") if mco_pool.pool_of(node, pools)[0] == name]

    def _pool(self, kube: Kube, pool: Object) -> float | None:
        if pool["metadata"].get("deletionTimestamp"):
            return None
        target, left, error = self._render(kube, pool)
        if not target:
            return left
        nodes = self.nodes_of(pool)
        for node in nodes:
            if not note(node, CURRENT):
                self._adopt(kube, node, target)
        for node in mco_pool.candidates(pool, [node for node in nodes if note(node, CURRENT)], target):
            kube.patch(kube.path_of(node), {"metadata": {"annotations": {DESIRED: target}}})
            name = node["metadata"]["name"]
            self.event(pool, "Normal", "SetDesiredConfig", f"Targeted node {name} to MachineConfig {target}")
        self._tell(kube, pool, nodes, target, error)
        return left

    def _render(self, kube: Kube, pool: Object) -> tuple[str, float | None, str | None]:
        """(the pool's target, seconds until the newest content is rendered, why it cannot be rendered)."""
        have = str(((pool.get("spec") or {}).get("configuration") or {}).get("name") or "")
        name = pool["metadata"]["name"]
        selector = (pool.get("spec") or {}).get("machineConfigSelector")
        sources = sorted(
            (item for item in self.objects(*CONFIG) if matches(selector, labels_of(item))), key=lambda item: item["metadata"]["name"]
        )
        if not sources:
            return have, None, f"Failed to render configuration for pool {name}: no MachineConfigs found matching selector {selector}"
        try:
            spec = mco_render.merge(sources)
        except mco_render.RenderError as error:
            return have, None, f"Failed to render configuration for pool {name}: {error}"
        target = mco_render.rendered_name(name, spec)
        if target == have:
            return have, None, None
        # A fresh pool is rendered at once (the installer did it); later content gets the render controller's delay.
        left = self.remaining("mco-render", f"{name}/{target}") if have else 0.0
        if left:
            return have, left, None
        # Nodes get it in the turn that the written pool wakes: by then a pause that came before it is known.
        self._write_target(kube, pool, target, spec, sources)
        return have, None, None

    def _write_target(self, kube: Kube, pool: Object, target: str, spec: Object, sources: list[Object]) -> None:
        rendered = {
            "apiVersion": API,
            "kind": "MachineConfig",
            "metadata": {
                "name": target,
                "annotations": {CONTROLLER_VERSION: digest(self.openshift["version"], 40)},
                "ownerReferences": [owner_reference(pool)],
            },
            "spec": spec,
        }
        kube.apply(rendered, manager=self.agent())
        listed = [{"apiVersion": API, "kind": "MachineConfig", "name": item["metadata"]["name"]} for item in sources]
        kube.patch(kube.path_of(pool), {"spec": {"configuration": {"name": target, "source": listed}}})
        self.event(pool, "Normal", "RenderedConfigGenerated", f"{target} successfully generated (release version: {self.openshift['version']})")

    def _adopt(self, kube: Kube, node: Object, target: str) -> None:
        """A node that was just installed runs its pool's configuration."""
        notes = {CURRENT: target, DESIRED: target, STATE: DONE, REASON: ""}
        kube.patch(kube.path_of(node), {"metadata": {"annotations": notes}})

    def _tell(self, kube: Kube, pool: Object, nodes: list[Object], target: str, error: str | None) -> None:
        counts, conditions = mco_pool.status(pool, nodes, target, error)
        if conditions[0]["status"] == "True":
            counts["configuration"] = {**((pool.get("spec") or {}).get("configuration") or {}), "name": target}
        before = ((pool.get("status") or {}).get("configuration") or {}).get("name")
        if self.set_status(kube, pool, counts, conditions) and "configuration" in counts and before not in (None, target):
            self.event(pool, "Normal", "Completed", f"Pool {pool['metadata']['name']} has completed update to MachineConfig {target}")

    # ---- generated configurations

    def _generate(self, kube: Kube, source: Object) -> float | None:
        kind = source["kind"]
        refusal = mco_checks.refusal(kind, source.get("spec") or {})
        if refusal is not None:
            self._result(kube, source, False, f"Error: {refusal}")
            return None
        selector = (source.get("spec") or {}).get("machineConfigPoolSelector")
        pools = [pool for pool in self.objects(*POOL) if matches(selector, labels_of(pool))]
        if not pools:
            self._result(kube, source, False, f"Error: could not find any MachineConfigPool set for {kind} {source['metadata']['name']}")
            return None
        same = sorted(
            self.objects(API, kind), key=lambda item: (item["metadata"].get("creationTimestamp") or "", item["metadata"]["name"])
        )
        for pool in pools:
            mine = [item for item in same if matches((item.get("spec") or {}).get("machineConfigPoolSelector"), labels_of(pool))]
            index = [item["metadata"]["uid"] for item in mine].index(source["metadata"]["uid"])
            config = mco_render.generated(pool["metadata"]["name"], kind, index, source)
            config["metadata"]["ownerReferences"] = [owner_reference(source)]
            self.ensure(kube, config)
        self._result(kube, source, True, "Success")
        return None

    def _result(self, kube: Kube, source: Object, good: bool, message: str) -> None:
        told = condition("Success" if good else "Failure", good, "", message)
        have = find_condition(source, told["type"])
        if have is None or have.get("message") != message:
            status = {"observedGeneration": source["metadata"].get("generation", 1), "conditions": []}
            # MCO keeps the newest result last; an older result of the other kind stays.
            old = [item for item in (source.get("status") or {}).get("conditions") or [] if item["type"] != told["type"]]
            self.set_status(kube, {**source, "status": {"conditions": old}}, {"observedGeneration": status["observedGeneration"]}, [told])

    # ---- what the nodes' daemons need

    def spec_of(self, name: str) -> Object | None:
        """Content of a rendered MachineConfig, or None when it is gone."""
        config = self.find(*CONFIG, name)
        if config is None:
            try:
                config = self.kube.get(self.kube.path(*CONFIG, None, name))
            except NotFound:
                return None
        return (config or {}).get("spec")

    def policies(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """The administrator's node disruption policies."""
        return mco_checks.action_types(self.find(*MACHINE_CONFIGURATION, "cluster"))
