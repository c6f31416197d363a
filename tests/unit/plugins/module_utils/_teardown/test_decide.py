# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes and what stays: owners, users of others, permission, options, namespaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._kube import paths
from ansible_collections.llmd.openshift.plugins.module_utils._teardown import decide, document
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.decide import Wishes
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.model import Found, Item, Machine
from ansible_collections.llmd.openshift.plugins.module_utils._teardown.table import table

TABLE = table(files.load(files.ROOT / "removal.yml", "removal"))
LLMISVC = "llminferenceservices.serving.kserve.io"
LVMC = "lvmclusters.lvm.topolvm.io"
POLICY = "clusterpolicies.nvidia.com"
NFD = "nodefeaturediscoveries.nfd.openshift.io"
SUBS = "subscriptions.operators.coreos.com"
GROUPS = "operatorgroups.operators.coreos.com"
DSC = "datascienceclusters.datasciencecluster.opendatahub.io"
OTHERS = "it isn't ours"
PLAIN = Wishes()


def item(resource: str, kind: str, name: str, namespace: str = "", against: str = "", owners: tuple[str, ...] = (), **data: Any) -> Item:
    return Item(resource, "x/v1", kind, name, f"uid-{kind}-{namespace}-{name}", namespace, owners, against, data)


SERVICE = item(LLMISVC, "LLMInferenceService", "llmd", "llmd")
VOLUME = {"metadata": {"labels": {}}, "spec": {"csi": {"driver": "topolvm.io"}}}
CLUSTER = item(LVMC, "LVMCluster", "llmd", "openshift-lvm-storage")
GPUS = item(POLICY, "ClusterPolicy", "gpu-cluster-policy")


def judged(found: Found, wishes: Wishes = PLAIN) -> dict[str, str]:
    """label -> "" for what goes, else why it stays."""
    said: dict[str, str] = {}
    for removal in decide.decide(TABLE, found, wishes, facts().disruptions):
        said |= {one.label: "" for one in removal.going} | {one.label: why for one, why in removal.kept}
    return said


def test_what_is_not_ours_stays_and_says_why():
    copied = replace(SERVICE, name="copy", uid="c", against="it carries our label, but field manager llmd-openshift never applied it")
    said = judged(Found(ours={LLMISVC: (SERVICE, copied)}))
    assert said["LLMInferenceService llmd/llmd"] == ""
    assert "never applied" in said["LLMInferenceService llmd/copy"]


def test_a_volume_of_our_own_pods_goes_with_them_and_one_of_others_keeps_the_volume_group():
    own = item("persistentvolumes", "PersistentVolume", "pvc-1", owners=("uid-pod", SERVICE.uid), against=OTHERS, **VOLUME)
    other = item("persistentvolumes", "PersistentVolume", "pvc-2", owners=("uid-else",), against=OTHERS, **VOLUME)
    elsewhere = item("persistentvolumes", "PersistentVolume", "pvc-3", against=OTHERS, spec={"csi": {"driver": "nfs"}})
    ours = {LLMISVC: (SERVICE,), LVMC: (CLUSTER,)}
    assert judged(Found(ours=ours, users={"persistentvolumes": (own, elsewhere)}))[CLUSTER.label] == ""
    assert judged(Found(ours=ours, users={"persistentvolumes": (own, other)}))[CLUSTER.label] == "PersistentVolume pvc-2 needs it"
    # The service is gone from the list: its volume is nobody's that we know of.
    assert "pvc-1" in judged(Found(ours={LVMC: (CLUSTER,)}, users={"persistentvolumes": (own,)}))[CLUSTER.label]


def test_what_goes_by_itself_is_awaited_before_the_step_that_it_blocks():
    own = item("persistentvolumes", "PersistentVolume", "pvc-1", owners=(SERVICE.uid,), against=OTHERS, **VOLUME)
    found = Found(ours={LLMISVC: (SERVICE,), LVMC: (CLUSTER,)}, users={"persistentvolumes": (own,)})
    storage = next(one for one in decide.decide(TABLE, found, Wishes(), facts().disruptions) if one.step.id == "storage")
    assert [one.name for one in storage.followers] == ["pvc-1"]


def test_what_the_same_step_deletes_is_not_awaited_before_it():
    gateway = item("gateways.gateway.networking.k8s.io", "Gateway", "g", "openshift-ingress", spec={"gatewayClassName": "c"})
    route = item("httproutes.gateway.networking.k8s.io", "HTTPRoute", "r", "llmd", OTHERS, (SERVICE.uid,), spec={"parentRefs": [{"name": "g"}]})
    kind = item("gatewayclasses.gateway.networking.k8s.io", "GatewayClass", "c")
    found = Found(
        ours={LLMISVC: (SERVICE,), gateway.resource: (gateway,), kind.resource: (kind,)},
        users={gateway.resource: (gateway,), route.resource: (route,)},
    )
    step = next(one for one in decide.decide(TABLE, found, PLAIN, facts().disruptions) if one.step.id == "gateway")
    assert step.going == (gateway, kind) and step.followers == (route,)


def test_what_may_not_be_listed_is_no_sign_that_nobody_needs_it():
    said = judged(Found(ours={LVMC: (CLUSTER,)}, unread=frozenset({"persistentvolumes"})))
    assert "isn't known" in said[CLUSTER.label]


@pytest.mark.parametrize("allowed, goes", [((), False), (("driver",), True)])
def test_a_removal_that_disturbs_nodes_needs_permission_and_says_which(allowed, goes):
    found = Found(ours={POLICY: (GPUS,)}, machines=(Machine("gpu-0", "worker", (), ("nvidia.com/gpu",)), Machine("cpu-0", "worker")))
    why = judged(found, Wishes(allowed=frozenset(allowed)))[GPUS.label]
    assert (why == "") == goes
    if not goes:
        assert why == "its removal means driver on gpu-0; permit it with llmd_allow_disruption: [driver]"


def test_a_driver_without_gpu_nodes_disturbs_nobody():
    assert judged(Found(ours={POLICY: (GPUS,)}, machines=(Machine("cpu-0", "worker"),)))[GPUS.label] == ""


def test_pods_of_others_keep_the_driver_and_the_driver_keeps_its_labels():
    pod = item("pods", "Pod", "train", "team-a", against=OTHERS, resources=["nvidia.com/gpu"])
    operand = item("pods", "Pod", "dcgm", "nvidia-gpu-operator", against=OTHERS, owners=("ds", GPUS.uid), resources=["nvidia.com/gpu"])
    nfd = item(NFD, "NodeFeatureDiscovery", "nfd-instance", "openshift-nfd")
    ours = {POLICY: (GPUS,), NFD: (nfd,)}
    said = judged(Found(ours=ours, users={POLICY: (GPUS,)}, pods=(pod, operand)))
    assert said[GPUS.label] == "Pod team-a/train needs it"
    assert said[nfd.label] == "ClusterPolicy gpu-cluster-policy needs it"
    said = judged(Found(ours=ours, users={POLICY: (GPUS,)}, pods=(operand,)))
    assert said == {GPUS.label: "", nfd.label: ""}


POOL = item(decide.POOLS, "MachineConfigPool", "llmd-gpu")
CONFIG = item(decide.CONFIGS, "MachineConfig", "99-llmd-llmd-gpu", metadata={"labels": {decide.MC_ROLE: "llmd-gpu"}})
GPU_NODE = Machine("gpu-0", "llmd-gpu", ("node-role.kubernetes.io/llmd-gpu", "node-role.kubernetes.io/worker"))


@pytest.mark.parametrize("allowed", [(), ("reboot",), ("drain", "reboot")])
def test_machine_settings_go_only_when_every_disturbance_is_permitted(allowed):
    found = Found(ours={decide.POOLS: (POOL,), decide.CONFIGS: (CONFIG,)}, machines=(GPU_NODE, Machine("cpu-0", "worker")))
    removal = next(one for one in decide.decide(TABLE, found, Wishes(allowed=frozenset(allowed)), facts().disruptions) if one.step.id == "machines")
    if len(allowed) == 2:
        assert [one.label for one in removal.going] == [POOL.label, CONFIG.label]
        assert [(machine.name, label) for machine, label in removal.leaving] == [("gpu-0", "node-role.kubernetes.io/llmd-gpu")]
        assert removal.disruption.nodes == ("gpu-0",)
    else:
        assert not removal.going and not removal.leaving and len(removal.kept) == 2


def subscription(package: str, namespace: str, name: str = "", against: str = "") -> Item:
    return item(SUBS, "Subscription", name or package, namespace, against, metadata={"namespace": namespace}, package=package, channel="stable",
                catalog="redhat-operators", catalog_namespace="openshift-marketplace", csv=f"{package}.v1")  # fmt: skip


def test_operators_stay_unless_asked_for():
    sub = subscription("nfd", "openshift-nfd")
    found = Found(ours={SUBS: (sub,)}, subscriptions=(sub,))
    assert judged(found)[sub.label] == "removed with llmd_teardown_operators: true only"


def test_an_operator_takes_its_csv_and_what_olm_brought_along_and_nothing_else():
    sub = subscription("rhcl-operator", "kuadrant-system")
    brought = subscription("dns-operator", "kuadrant-system", "dns-operator-stable-redhat-operators-openshift-marketplace", OTHERS)
    by_hand = subscription("dns-operator", "kuadrant-system", "my-dns", OTHERS)
    csvs = tuple(item("clusterserviceversions.operators.coreos.com", "ClusterServiceVersion", f"{name}.v1", "kuadrant-system", OTHERS) for name in ("rhcl-operator", "dns-operator"))
    group = item(GROUPS, "OperatorGroup", "rhcl-operator", "kuadrant-system")
    wishes = Wishes(operators=True, brings={"rhcl-operator": ("dns-operator",)})
    found = Found(ours={SUBS: (sub,), GROUPS: (group,)}, users={SUBS: (sub, brought)}, subscriptions=(sub, brought), csvs=csvs)
    assert judged(found, wishes) == {one.label: "" for one in (sub, brought, *csvs, group)}
    found = replace(found, users={SUBS: (sub, by_hand)}, subscriptions=(sub, by_hand))
    said = judged(found, wishes)
    assert by_hand.label not in said and said[group.label] == "Subscription kuadrant-system/my-dns needs it"


def test_an_operator_stays_while_somebody_has_an_object_of_it():
    sub = subscription("lvms-operator", "openshift-lvm-storage")
    foreign = item(LVMC, "LVMCluster", "theirs", "openshift-lvm-storage", OTHERS)
    found = Found(ours={SUBS: (sub,)}, users={LVMC: (foreign,)}, subscriptions=(sub,))
    assert judged(found, Wishes(operators=True))[sub.label] == "LVMCluster openshift-lvm-storage/theirs would be without an operator"
    unknown = subscription("new-operator", "x")
    assert "nobody can tell" in judged(Found(ours={SUBS: (unknown,)}, subscriptions=(unknown,)), Wishes(operators=True))[unknown.label]


NAMESPACE = item("namespaces", "Namespace", "llmd")


def content(resource: str, kind: str, name: str, *owners: str) -> Item:
    return item(resource, kind, name, "llmd", OTHERS, owners)


def test_a_namespace_goes_when_only_the_platform_has_something_in_it():
    usual = (
        content("configmaps", "ConfigMap", "kube-root-ca.crt"),
        content("serviceaccounts", "ServiceAccount", "default"),
        content("secrets", "Secret", "builder-dockercfg-x7r2p"),
        content("pods", "Pod", "llmd-kserve-1", "rs", SERVICE.uid),
    )
    ours = {LLMISVC: (SERVICE,), "namespaces": (NAMESPACE,)}
    assert judged(Found(ours=ours, contents={"llmd": usual}))[NAMESPACE.label] == ""
    token = content("secrets", "Secret", "hf-token")
    assert judged(Found(ours=ours, contents={"llmd": (*usual, token)}))[NAMESPACE.label] == "Secret llmd/hf-token is in it"
    hidden = Found(ours=ours, contents={"llmd": usual}, unread=frozenset({"secrets in llmd"}))
    assert "isn't known" in judged(hidden)[NAMESPACE.label]


def test_a_volume_that_was_kept_keeps_its_namespace():
    claim = replace(content("persistentvolumeclaims", "PersistentVolumeClaim", "models"), against="")
    found = Found(ours={"persistentvolumeclaims": (claim,), "namespaces": (NAMESPACE,)}, contents={"llmd": (claim,)})
    said = judged(found)
    assert said == {claim.label: "removed with llmd_teardown_data: true only", NAMESPACE.label: f"{claim.label} is in it"}
    assert judged(found, Wishes(data=True)) == {claim.label: "", NAMESPACE.label: ""}


def test_the_science_cluster_stays_for_models_of_others():
    dsc = item(DSC, "DataScienceCluster", "default-dsc")
    theirs = item(LLMISVC, "LLMInferenceService", "theirs", "team-a", OTHERS)
    found = Found(ours={LLMISVC: (SERVICE,), DSC: (dsc,)}, users={LLMISVC: (SERVICE, theirs)})
    assert judged(found)[dsc.label] == "LLMInferenceService team-a/theirs needs it"
    assert judged(replace(found, users={LLMISVC: (SERVICE,)}))[dsc.label] == ""


def test_the_document_has_the_shape_of_a_plan_and_says_when_there_is_nothing_to_do():
    removals = decide.decide(TABLE, Found(ours={LLMISVC: (SERVICE,)}), Wishes(), facts().disruptions)
    plan = document.document(removals)
    assert plan["steps"][0]["changes"] == [{"object": "LLMInferenceService llmd/llmd", "action": "delete"}]
    assert plan["counts"] == {"delete": 1, "update": 0, "keep": 0}
    empty = document.document(decide.decide(TABLE, Found(), Wishes(), facts().disruptions), ["secrets"])
    assert empty["message"] == "Nothing of ours is there: nothing to do. Not looked at, since they may not be listed: secrets."


def test_every_operator_of_the_data_has_a_row_and_its_stage_may_do_what_the_table_wants():
    assert {*facts().operators} - {*TABLE.operators} == set()
    rbac = files.load(files.ROOT / "rbac.yml", "rbac")["stages"]["teardown"]["rules"]
    may = {(f"{name}.{rule['group']}" if rule["group"] else name, verb) for rule in rbac for name in rule["resources"] for verb in rule["verbs"]}
    wanted = {(name, verb) for name in TABLE.resources for verb in ("list", "delete")} | {(name, "list") for name in (*TABLE.used_by, *TABLE.contents)}
    wanted.discard(("secrets", "list"))  # a right over all Secrets is never asked for: without it a namespace stays
    assert wanted - may == set()


def rendered(value: Any) -> set[tuple[str, str]]:
    """(apiVersion, kind) of every object below."""
    if isinstance(value, list):
        return {found for one in value for found in rendered(one)}
    if not isinstance(value, dict):
        return set()
    own = {(value["apiVersion"], value["kind"])} if "apiVersion" in value and "kind" in value else set()
    return own | {found for one in value.values() for found in rendered(one)}


def test_teardown_knows_every_kind_that_the_roles_declare():
    roles = files.ROOT.parent / "roles"
    made = {one for file in [*roles.glob("*/vars/*.yml"), *roles.glob("*/tasks/*.yml")] for one in rendered(files.read(file))}
    adopted = {("v1", "Service"), ("operator.authorino.kuadrant.io/v1beta1", "Authorino")}  # made by Connectivity Link
    removed = {("apps/v1", "Deployment")}  # KServe's picker, which an upgrade lets it make anew
    missing = []
    for api_version, kind in sorted(made - adopted - removed):
        known = paths.known(api_version, kind)
        group = api_version.rpartition("/")[0]
        if known and (f"{known[0]}.{group}" if group else known[0]) not in TABLE.resources:
            missing.append(f"{kind} ({api_version})")
    assert len(made) > 8
    assert missing == []
