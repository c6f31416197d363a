# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a must-gather folder as far as a twin needs it.

Layout: openshift/must-gather and ``oc adm inspect`` write ``cluster-scoped-resources/GROUP/RESOURCE/NAME.yaml`` and
``namespaces/NS/GROUP/RESOURCE/NAME.yaml``, some resources as one list (``RESOURCE.yaml``), below one folder per gather image whose
name nobody can rely on. Absence of a file says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.twin_facts import Devices, Facts, Obj, add_features, bare, devices_of_labels

LARGEST = 20 * 2**20  # bytes of one file
OLM = "operators.coreos.com"
# Carried over as they are: (group, resource).
CARRIED = (
    ("config.openshift.io", "clusterversions"),
    ("config.openshift.io", "clusteroperators"),
    ("config.openshift.io", "infrastructures"),
    ("config.openshift.io", "networks"),
    ("config.openshift.io", "imagedigestmirrorsets"),
    ("config.openshift.io", "imagetagmirrorsets"),
    ("machineconfiguration.openshift.io", "machineconfigpools"),
    ("storage.k8s.io", "storageclasses"),
)
READ = {*CARRIED, ("core", "nodes"), ("nfd.k8s-sigs.io", "nodefeatures"), (OLM, "subscriptions"), (OLM, "operatorgroups"),
        (OLM, "clusterserviceversions")}
# Custom resources of the operators that matter here: told about, but not carried over.
TOLD = {"clusterpolicies", "nicclusterpolicies", "datascienceclusters", "dscinitializations", "llminferenceservices", "lvmclusters",
        "sriovnetworknodepolicies", "sriovnetworks", "deviceconfigs", "leaderworkersetoperators", "kuadrants"}
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Text(Loader):
    """Times stay text, as the API has them."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Text.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def read(folder: Path) -> Facts:
    """All facts of the folder. Raises RehearsalError (bad input) when it holds no cluster."""
    facts = Facts(str(folder))
    found: dict[tuple[str, str], dict[tuple[str, str], Obj]] = {}
    told: set[str] = set()
    for group, resource, path in _files(folder):
        if resource in TOLD:
            told.add(resource)
        elif (group, resource) in READ:
            for obj in _objects(path, facts.left_out):
                meta = obj["metadata"]
                # The first copy counts: with several gather folders the same object is there more than once.
                found.setdefault((group, resource), {}).setdefault((meta.get("namespace", ""), meta["name"]), obj)
    nodes = found.get(("core", "nodes"), {})
    if not nodes:
        raise RehearsalError(
            "no must-gather is found",
            str(folder),
            "no file cluster-scoped-resources/core/nodes/*.yaml below it",
            "Give the folder that 'oc adm must-gather' wrote",
            code=BAD_INPUT,
        )
    facts.nodes = [bare(node) for node in nodes.values()]
    facts.objects = [bare(obj) for key in CARRIED for obj in found.get(key, {}).values()]
    facts.devices = {node["metadata"]["name"]: devices_of_labels(node["metadata"].get("labels") or {}) for node in facts.nodes}
    for (_, name), feature in found.get(("nfd.k8s-sigs.io", "nodefeatures"), {}).items():
        node = (feature["metadata"].get("labels") or {}).get("nfd.node.kubernetes.io/node-name", name)
        add_features(facts.devices.setdefault(node, Devices()), (feature.get("spec") or {}).get("features") or {})
    facts.version, facts.platform = _version(facts), _platform(facts)
    facts.operators = list(_operators(found, facts.left_out))
    facts.left_out += [f"{resource}: its objects aren't carried over" for resource in sorted(told)]
    return facts


def _files(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """(group, resource, file) of everything that lies where a gathered object lies."""
    for directory, folders, files in os.walk(folder):
        folders.sort()
        parts = Path(directory).relative_to(folder).parts
        for anchor, skip in (("cluster-scoped-resources", 1), ("namespaces", 2)):
            if anchor in parts:
                inside = parts[parts.index(anchor) + skip :]
                for name in sorted(files):
                    if not name.endswith((".yaml", ".yml")):
                        continue
                    if len(inside) == 2:
                        yield inside[0], inside[1], Path(directory, name)
                    elif len(inside) == 1:
                        yield inside[0], name.rpartition(".")[0], Path(directory, name)
                break


def _objects(path: Path, left_out: list[str]) -> Iterator[Obj]:
    """The objects of a file (one, or a list). A file that can't be read is told, not fatal."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MiB")
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Text))
    except (OSError, ValueError, yaml.YAMLError) as error:
        left_out.append(f"{path.name}: unreadable ({' '.join(str(error).split())[:120]})")
        return
    for document in documents:
        if not isinstance(document, dict):
            continue
        items = document.get("items") if str(document.get("kind", "")).endswith("List") else [document]
        for item in items or []:
            if isinstance(item, dict) and isinstance(item.get("metadata"), dict) and item["metadata"].get("name"):
                kind = str(document.get("kind", "")).removesuffix("List")
                yield {"apiVersion": document.get("apiVersion"), "kind": kind, **item}


def _version(facts: Facts) -> str:
    for obj in facts.objects:
        if obj["kind"] == "ClusterVersion":
            history = (obj.get("status") or {}).get("history") or []
            done = next((row["version"] for row in history if row.get("state") == "Completed"), "")
            return str(done or ((obj.get("status") or {}).get("desired") or {}).get("version") or "")
    return ""


def _platform(facts: Facts) -> Obj:
    for obj in facts.objects:
        if obj["kind"] == "Infrastructure":
            status = obj.get("status") or {}
            kind = (status.get("platformStatus") or {}).get("type") or status.get("platform")
            return {"type": kind, "control_plane_topology": status.get("controlPlaneTopology"), "infrastructure_topology": status.get("infrastructureTopology")}
    return {}


def _operators(found: dict[tuple[str, str], dict[tuple[str, str], Obj]], left_out: list[str]) -> Iterator[Obj]:
    """A row of installs.py for each Subscription; CSVs without one are told."""
    groups = {namespace: group.get("spec") or {} for (namespace, _), group in found.get((OLM, "operatorgroups"), {}).items()}
    taken: set[tuple[str, str]] = set()
    for (namespace, name), obj in sorted(found.get((OLM, "subscriptions"), {}).items()):
        spec, installed = obj.get("spec") or {}, (obj.get("status") or {}).get("installedCSV") or ""
        if not installed:
            left_out.append(f"operator {spec.get('name')} ({namespace}): its Subscription had installed nothing")
            continue
        taken.add((namespace, installed))
        yield {
            "package": spec.get("name"), "namespace": namespace, "name": name, "channel": spec.get("channel"), "catalog": spec.get("source"),
            "csv": installed, "approval": spec.get("installPlanApproval", "Automatic"), "group": groups.get(namespace),
            "labels": obj["metadata"].get("labels") or {}, "annotations": obj["metadata"].get("annotations") or {},
        }  # fmt: skip
    for (namespace, name), csv in sorted(found.get((OLM, "clusterserviceversions"), {}).items()):
        copied = "olm.copiedFrom" in (csv["metadata"].get("labels") or {}) or (csv.get("status") or {}).get("reason") == "Copied"
        dependency = any(name == row_csv for _, row_csv in taken)
        if not copied and not dependency and name != "packageserver":
            left_out.append(f"operator {name} ({namespace}): it has a ClusterServiceVersion, but no Subscription")
