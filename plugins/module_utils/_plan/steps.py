# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a run, each from what the snapshot shows and what the declaration wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .._apply.manifests import is_ours
from .._assess.look import dig, names, number, rows, strings, text
from .._assess.nodes import Candidates, name
from .._data.facts import Facts
from .._nodes.pools import Machines, Pool, machines
from .._storage.drives import Drives, drives
from . import driver, fabric, pins, serving
from .decision import ADOPT, INSTALL, UPGRADE, Decision
from .discovery import missing_classes
from .model import APPROVE, CREATE, KEEP, UPDATE, Change, Disruption, Step, cost

GATEWAY = ("openshift-ingress", "openshift-ai-inference")
RHOAI = "rhods-operator"
MOVE = "upgrade"


@dataclass(frozen=True)
class World:
    """Everything that a step looks at. vendor is None where it isn't known; the plan then assumes one and says so."""

    snapshot: Mapping[str, Any]
    declared: Mapping[str, Any]
    facts: Facts
    candidates: Candidates
    decisions: tuple[Decision, ...]
    vendor: str

    @cached_property
    def machines(self) -> Machines:
        """What the machines that serve, and those that get a driver of their own kernel's GPUs, need."""
        return machines(self.snapshot, self.declared, list(self.facts.node_settings), self.vendor, list(self.candidates.gpu))

    @property
    def drains(self) -> bool:
        """Whether a node's pods have somewhere to go: a single node just restarts, and its pods with it."""
        return text(self.snapshot, "platform", "control_plane_topology") != "SingleReplica"

    @property
    def local_storage(self) -> bool:
        return self.declared.get("model_cache", "lvms") == "lvms" and not self.declared.get("storage_class")

    @cached_property
    def drives(self) -> Drives:
        """The drives of the nodes that serve; those of other nodes are nobody's business here."""
        present = next((one for one in self.there("LVMCluster") if is_ours(one)), None)
        return drives(self.candidates.gpu, self.declared, present)

    @cached_property
    def fabric(self) -> dict[str, Any]:
        """The network between GPU nodes."""
        return fabric.drawn(self)

    @property
    def driver_parameters(self) -> str:
        """The ConfigMap with parameters of the GPU driver; empty without."""
        return driver.parameters(self.vendor, self.declared, self.fabric, self.there("ClusterPolicy"))

    @property
    def gdrcopy(self) -> bool:
        """Whether NVIDIA's driver brings GDRCopy."""
        return driver.gdrcopy(self.vendor, self.fabric, self.there("ClusterPolicy"))

    @cached_property
    def move(self) -> pins.Move | None:
        """The service from presets of an earlier version to those that the cluster has by then."""
        coming = next((decision.csv for decision in self.decisions if decision.package == RHOAI), None)
        return pins.move(self.declared, self.there("LLMInferenceService"), coming)

    @property
    def moves(self) -> bool:
        """To another release always, within one where it is permitted."""
        return self.move is not None and (self.move.release or MOVE in (self.declared.get("allow_disruption") or []))

    def there(self, kind: str) -> list[Mapping[str, Any]]:
        """Objects of a kind; empty where the kind isn't served or could not be read (apply finds out)."""
        return rows(self.snapshot, "objects", kind) or []

    def wants(self, package: str) -> bool:
        return any(decision.package == package for decision in self.decisions)

    def namespace(self, package: str) -> str:
        """Where the operator lives, or will."""
        chosen = next((decision.namespace for decision in self.decisions if decision.package == package), "")
        return chosen or str(self.facts.operators[package]["namespace"])

    def cost(self, change: str, why: str, nodes: list[str] | None = None) -> Disruption:
        return cost(self.facts.disruptions, change, nodes or [], why)


def plan_steps(world: World) -> list[Step]:
    made = [
        operators(world),
        upgrade(world),
        features(world),
        nodes(world),
        fabric.fabric(world),
        accelerators(world),
        storage(world),
        platform(world),
        gateway(world),
        serving_step(world),
    ]
    return [step for step in made if step is not None]


def operators(world: World) -> Step:
    changes: list[Change] = []
    for decision in world.decisions:
        subscription = f"Subscription {decision.namespace}/{decision.subscription or decision.package}"
        if decision.action == INSTALL:
            changes += [
                Change(f"Namespace {decision.namespace}", CREATE),
                *([] if decision.group else [Change(f"OperatorGroup {decision.namespace}/{decision.package}", CREATE)]),
                Change(subscription, CREATE, decision.why),
                Change(f"InstallPlan {decision.namespace}/(for {', '.join(decision.expected_csvs)})", APPROVE),
            ]
        elif decision.hops:
            continue  # step upgrade
        elif decision.action == UPGRADE:
            changes += [
                Change(subscription, UPDATE, decision.why),
                Change(f"InstallPlan {decision.namespace}/(for {', '.join(decision.expected_csvs)})", APPROVE),
            ]
        else:
            action = APPROVE if decision.pending and decision.action != ADOPT else KEEP
            changes.append(Change(subscription, action, decision.why))
    busy = any(change.action != KEEP for change in changes)
    why = "operators start; they touch no node by themselves"
    return Step(
        "operators",
        "operators",
        "Install the operators",
        tuple(changes),
        world.cost("operator", why) if busy else Disruption(),
    )


def upgrade(world: World) -> Step | None:
    """An operator that goes to another release, one update after the other: after all others, and before the platform is set up."""
    going = [decision for decision in world.decisions if decision.hops]
    if not going:
        return None
    changes = [
        change
        for decision in going
        for hop in decision.hops
        for change in (
            Change(f"Subscription {decision.namespace}/{decision.subscription}", UPDATE, f"channel {hop.channel}"),
            Change(f"InstallPlan {decision.namespace}/(for {hop.csv})", APPROVE, decision.why),
        )
    ]
    title = "; ".join(f"{world.facts.operators[one.package]['title']} from {one.installed} to {one.csv}" for one in going)
    return Step("upgrade", "operators", f"Upgrade {title}", tuple(changes), _upgrade_cost(world, going))


def _upgrade_cost(world: World, going: list[Decision]) -> Disruption:
    if not any(one.releases for one in going):
        return world.cost("operator", "operators start; model servers keep their presets")
    return world.cost("release", NO_WAY_BACK)


NO_WAY_BACK = (
    "it can't be rolled back, since OLM never goes back and the new release changes stored objects; the run stops at each update until OpenShift AI is Ready, "
    "and model servers stay at their release until their service moves"
)


def features(world: World) -> Step:
    """One NodeFeatureDiscovery only. Somebody else's is used as it is, ours is kept as this version wants it."""
    present = world.there("NodeFeatureDiscovery")
    if not present:
        change = Change(f"NodeFeatureDiscovery {world.namespace('nfd')}/nfd-instance", CREATE)
    else:
        missing = missing_classes(present[0])
        why = f"its whitelist lacks the PCI classes {', '.join(missing)}" if missing else ""
        change = Change(
            _ref("NodeFeatureDiscovery", present[0]), UPDATE if missing and is_ours(present[0]) else KEEP, why
        )
    disruption = world.cost("node-features", "labels on nodes only") if change.action != KEEP else Disruption()
    return Step("node-features", "features", "Learn the nodes' hardware", (change,), disruption)


def nodes(world: World) -> Step | None:
    """One MachineConfig a pool. Whoever is restarted is named; a pool that has everything already restarts nobody."""
    if not world.machines.pools:
        return None
    changes = [change for pool in world.machines.pools for change in _pool_changes(pool, world.snapshot)]
    restarting = world.machines.restarting
    why = "; ".join(dict.fromkeys(f"{one.label}: {one.why}" for pool in world.machines.pools if pool.rolling for one in pool.settings))
    disruption = world.cost("machine-config" if world.drains else "machine-config-alone", why, restarting) if restarting else Disruption()
    return Step("machines", "nodes", "Set up the machines", tuple(changes), disruption)


def _pool_changes(pool: Pool, snapshot: Mapping[str, Any]) -> list[Change]:
    there = any(text(row, "name") == pool.config for row in rows(snapshot, "machine_configs") or [])
    content = ", ".join(setting.label for setting in pool.settings)
    made = [Change(f"MachineConfigPool {pool.name}", CREATE)] if pool.makes_pool else []
    action = KEEP if pool.keep else UPDATE if there else CREATE
    made.append(Change(f"MachineConfig {pool.config}", action, "" if pool.keep else content))
    if pool.rolling and not pool.makes_pool:
        made.append(Change(f"MachineConfigPool {pool.name}", UPDATE, "paused while it changes, then let go"))
    return [*made, *(Change(f"Node {node}", UPDATE, f"it moves to pool {pool.name}") for node in pool.moved)]


def _ref(kind: str, obj: Mapping[str, Any]) -> str:
    namespace = text(obj, "metadata", "namespace")
    return (
        f"{kind} {namespace}/{text(obj, 'metadata', 'name')}"
        if namespace
        else f"{kind} {text(obj, 'metadata', 'name')}"
    )


def accelerators(world: World) -> Step:
    """The driver. It goes onto every node with GPUs of its vendor, also those that llmd_node_selector leaves out."""
    kind, wanted = POLICIES[world.vendor]
    present = world.there(kind)
    title = "Load the GPU driver"
    differences = _policy_differences(kind, present[0], world) if present and is_ours(present[0]) else []
    if present and not differences:
        return Step("gpu-driver", "accelerators", title, (Change(_ref(kind, present[0]), KEEP),))
    nodes = gpu_nodes(world)
    busy = any(number(node, "allocatable", f"{world.vendor}.com/gpu") for node in nodes)
    change, why = (
        ("gpu-driver-change", "GPU pods make way for the driver") if busy else ("gpu-driver", "the GPU driver is built and loaded")
    )
    made = Change(_ref(kind, present[0]), UPDATE, "; ".join(differences)) if present else Change(f"{kind} {wanted}", CREATE)
    before = [Change("NodeFeatureRule llmd-amd-gpu", CREATE)] if world.vendor == "amd" and not present else []
    if world.driver_parameters and not (present and driver.named(present[0])):
        before.append(Change(f"ConfigMap {world.namespace('gpu-operator-certified')}/{world.driver_parameters}", CREATE))
    disruption = world.cost(change, why, [name(node) for node in nodes])
    return Step("gpu-driver", "accelerators", title, (*before, made), disruption)


# The object that asks a vendor's operator for the driver, and what ours is called.
POLICIES = {"nvidia": ("ClusterPolicy", "gpu-cluster-policy"), "amd": ("DeviceConfig", "openshift-amd-gpu/llmd")}


def _policy_differences(kind: str, policy: Mapping[str, Any], world: World) -> list[str]:
    declared = world.declared
    place = ("daemonsets", "tolerations") if kind == "ClusterPolicy" else ("devicePlugin", "devicePluginTolerations")
    found = ["tolerations"] if (dig(policy, "spec", *place) or []) != (declared.get("tolerations") or []) else []
    wanted = declared.get("gpu_driver_version")
    if wanted and dig(policy, "spec", "driver", "version") != wanted:
        found.append(f"driver version {wanted}")
    if world.driver_parameters and driver.named(policy) != world.driver_parameters:
        found.append("parameters of the driver for DeepEP")
    return [*found, "GDRCopy"] if world.gdrcopy and not driver.has_gdrcopy(policy) else found


def gpu_nodes(world: World) -> list[Mapping[str, Any]]:
    """All nodes with GPUs of the vendor, selected or not."""
    listed = rows(world.snapshot, "nodes") or []
    return [node for node in listed if text(node, "accelerators", "vendor") == world.vendor]


def storage(world: World) -> Step | None:
    """One LVMCluster only. Somebody else's is used as it is; ours takes further drives of a list, and keeps its nodes."""
    if not world.local_storage:
        return None
    present = world.there("LVMCluster")
    if not present:
        change = Change(f"LVMCluster {world.namespace('lvms-operator')}/llmd", CREATE, _drives_shown(world.drives))
    else:
        wrong = _storage_differences(world, present[0]) if is_ours(present[0]) else []
        left_out = world.drives.left_out if is_ours(present[0]) else ()
        aside = f"the drives of {names(list(left_out))} stay out: LVM Storage can't add nodes to a volume group" if left_out else ""
        change = Change(_ref("LVMCluster", present[0]), UPDATE if wrong else KEEP, "; ".join(wrong) or aside)
    why = "unused drives are taken; nothing else changes on the nodes"
    disruption = world.cost("local-storage", why) if change.action != KEEP else Disruption()
    return Step("local-storage", "storage", "Make a StorageClass on local NVMe", (change,), disruption)


def _drives_shown(chosen: Drives) -> str:
    if chosen.chosen and chosen.paths:
        return "; ".join(f"{len(found)} drives of {node}" for node, found in sorted(chosen.chosen.items()))
    return f"drives {names(list(chosen.paths), 3)}" if chosen.paths else "every drive on which LVM Storage finds nothing"


def _storage_differences(world: World, cluster: Mapping[str, Any]) -> list[str]:
    device = next(iter(rows(cluster, "spec", "storage", "deviceClasses") or []), {})
    more = sorted(set(world.drives.paths) - set(strings(device, "deviceSelector", "optionalPaths")))
    return [f"drives {names(more, 3)} are added"] if more else []


def platform(world: World) -> Step:
    changes = [_named(world, "DSCInitialization", "default-dsci"), _science_cluster(world)]
    if world.wants("rhcl-operator"):
        changes += _authorization(world)
    if world.wants("leader-worker-set"):
        established = dig(world.snapshot, "crds", "leaderworkersets.leaderworkerset.x-k8s.io") is not None
        changes.append(Change("LeaderWorkerSetOperator cluster", KEEP if established else CREATE))
    return _step(
        world,
        "platform",
        "platform",
        "Set up OpenShift AI and authorization",
        changes,
        "platform",
        "operators act; nodes are left alone",
    )


def _authorization(world: World) -> list[Change]:
    """Kuadrant, and TLS for its Authorino, which the snapshot doesn't show: it follows Kuadrant's state."""
    kuadrant = _named(world, "Kuadrant", "kuadrant", "kuadrant-system")
    follow = UPDATE if kuadrant.action == CREATE else KEEP
    return [
        kuadrant,
        Change(
            "Service kuadrant-system/authorino-authorino-authorization",
            follow,
            "" if follow == KEEP else "serving certificate",
        ),
        Change("Authorino kuadrant-system/authorino", follow, "" if follow == KEEP else "TLS on its listener"),
    ]


def _named(world: World, kind: str, wanted: str, namespace: str = "") -> Change:
    present = world.there(kind)
    if present:
        return Change(_ref(kind, present[0]), KEEP)
    return Change(f"{kind} {namespace}/{wanted}" if namespace else f"{kind} {wanted}", CREATE)


def _science_cluster(world: World) -> Change:
    present = world.there("DataScienceCluster")
    if not present:
        return Change("DataScienceCluster default-dsc", CREATE)
    where = _ref("DataScienceCluster", present[0])
    state = text(present[0], "spec", "components", "kserve", "managementState")
    return (
        Change(where, KEEP)
        if state == "Managed"
        else Change(where, UPDATE, f"KServe is {state or 'not set'}, Managed is wanted")
    )


def gateway(world: World) -> Step:
    wanted = str(world.declared.get("gateway_class", "openshift-default"))
    classes = [text(one, "name") for one in rows(world.snapshot, "gateway_classes") or []]
    namespace, gate = GATEWAY
    there = next(
        (
            one
            for one in rows(world.snapshot, "gateways") or []
            if (text(one, "namespace"), text(one, "name")) == GATEWAY
        ),
        None,
    )
    changes = [
        Change(f"GatewayClass {wanted}", KEEP if wanted in classes else CREATE),
        Change(f"Gateway {namespace}/{gate}", _gateway_action(there, wanted), _gateway_why(there, wanted)),
    ]
    return _step(
        world,
        "gateway",
        "platform",
        "Open the inference gateway",
        changes,
        "gateway",
        "a proxy and a load balancer's address are made",
    )


def _gateway_action(there: Mapping[str, Any] | None, wanted: str) -> str:
    return CREATE if there is None else KEEP if text(there, "class") == wanted else UPDATE


def _gateway_why(there: Mapping[str, Any] | None, wanted: str) -> str:
    return f"its class is {text(there, 'class')}" if there is not None and text(there, "class") != wanted else ""


def serving_step(world: World) -> Step:
    there = world.there("LLMInferenceService")
    changes = serving.changes(world.declared, world.vendor, world.facts.models, world.candidates.gpu, world.local_storage, world.fabric, there)
    move = world.move
    if move is None:
        return _step(world, "serving", "serving", "Serve the model", changes, "serving", "model servers start on free GPUs")
    if not world.moves:  # within a release nobody has to move
        changes = [replace(one, why=f"{one.why}; {move.left}".strip("; ")) if one.object == move.object else one for one in changes]
        return _step(world, "serving", "serving", "Serve the model", changes, "serving", "model servers start on free GPUs")
    changes = [replace(one, action=UPDATE, why="; ".join(filter(None, (one.why, move.why)))) if one.object == move.object else one for one in changes]
    return Step("serving", "serving", "Serve the model", (*changes, *move.around), world.cost("release", move.cost))


def _step(world: World, id_: str, stage: str, title: str, changes: list[Change], change: str, why: str) -> Step:
    busy = any(one.action != KEEP for one in changes)
    return Step(id_, stage, title, tuple(changes), world.cost(change, why) if busy else Disruption())
