# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the evidence of one service: objects, Pods, warning events, last lines of logs. The only file of this folder that asks an API.

Everything is blanked as it comes in; Secrets are never read. What can't be read is noted, and is no fault of the hop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot.collect import Reader

from .._proof.pods import COMMON_LABELS, selector
from .._wait.fields import dig, items
from .._wait.pods import diagnose, is_well
from .blank import Blanker
from .hops import (
    CONTROLLER_NAMESPACE,
    CORE,
    GATEWAY_NAMESPACE,
    OPERATOR_GROUPS,
    SOURCES,
    group_of_service_pod,
)

PODS_WITH_LOGS = 40
LOG_LINES = 400
LOG_BYTES = 64 * 1024
EVENTS_KEPT = 300
_TALKING = ("engine", "prefill", "worker", "picker")  # their logs are read even while they run well


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def get(self, path: str) -> dict[str, Any] | None: ...
    def list(self, path: str, **options: Any) -> list[Any]: ...
    def discovery(self) -> dict[str, Any]: ...
    def logs(self, namespace: str, pod: str, container: str | None = None, tail: int | None = None, previous: bool = False) -> str: ...


def read(api: Api, namespace: str, name: str, namespaces: Mapping[str, str], blank: Blanker) -> dict[str, Any]:
    """The evidence document.

    :param namespaces: package -> namespace of its operator, of those that this cluster has or should have.
    """
    reader = Reader(api)
    objects = _objects(reader, namespace, name, blank)
    pods = _pods(reader, namespace, name, namespaces, blank)
    spaces = sorted({namespace, GATEWAY_NAMESPACE, "default", *(str(dig(pod, "metadata.namespace")) for pod in pods)})
    return {
        "service": {"namespace": namespace, "name": name},
        "objects": objects,
        "pods": pods,
        "events": _events(reader, spaces, blank),
        "logs": _logs(api, reader, pods, blank),
        "unreadable": reader.unreadable,
    }


def _objects(reader: Reader, namespace: str, name: str, blank: Blanker) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for source in SOURCES:
        resource = reader.served.get(source.resource)
        if resource is None:
            reader.missing(source.resource, "absent")
            continue
        space = namespace if source.namespace == "@service" else source.namespace
        path = resource.path() if space is None else f"/apis/{resource.group}/{resource.versions[0]}/namespaces/{space}/{resource.plural}"
        options = {"label_selector": "!olm.copiedFrom"} if source.kind == "ClusterServiceVersion" else {}
        rows = _listed(reader, source.resource, path, source.kind, blank, options)
        if rows is not None:
            found[source.kind] = rows
    for kind, plural, own in CORE:
        path = f"/api/v1/namespaces/{namespace}/{plural}" if own else f"/api/v1/{plural}"
        rows = _listed(reader, plural, path, kind, blank, {})
        if rows is not None:
            found[kind] = rows
    services = found.get("LLMInferenceService")
    if services is not None:
        found["LLMInferenceService"] = [one for one in services if dig(one, "metadata.name") == name]
    return found


def _listed(
    reader: Reader, what: str, path: str, kind: str, blank: Blanker, options: dict[str, Any]
) -> list[dict[str, Any]] | None:
    def shorten(obj: dict[str, Any]) -> dict[str, Any]:
        meta = {k: v for k, v in (obj.get("metadata") or {}).items() if k not in ("managedFields", "selfLink")}
        notes = {k: v for k, v in (meta.get("annotations") or {}).items() if "last-applied" not in k}
        kept = {key: value for key, value in obj.items() if key not in ("metadata", "images")}
        if kind == "Node":
            kept["status"] = {k: v for k, v in (kept.get("status") or {}).items() if k != "images"}
        if kind == "ClusterServiceVersion":
            kept["spec"] = {"version": dig(obj, "spec.version"), "install": dig(obj, "spec.install")}
        return blank({**kept, "kind": kind, "metadata": {**meta, "annotations": notes}})

    return reader.attempt(what, lambda: reader.api.list(path, reduce=shorten, leave_out=("managedFields", "images"), **options))


def _pods(
    reader: Reader, namespace: str, name: str, namespaces: Mapping[str, str], blank: Blanker
) -> list[dict[str, Any]]:
    own = _group(reader, "", namespace, selector(COMMON_LABELS, name), blank)
    for pod in own:
        pod["group"] = group_of_service_pod(pod)
    found = [*own, *_group(reader, "gateway", GATEWAY_NAMESPACE, "gateway.networking.k8s.io/gateway-name", blank)]
    found += _group(reader, "controller", CONTROLLER_NAMESPACE, "", blank)
    done: set[str] = set()
    for group, packages in OPERATOR_GROUPS.items():
        for space in (namespaces.get(package) for package in packages):
            if space and space not in done:
                done.add(space)
                found += _group(reader, group, space, "", blank)
    return found


def _group(reader: Reader, group: str, namespace: str, labels: str, blank: Blanker) -> list[dict[str, Any]]:
    def shorten(pod: dict[str, Any]) -> dict[str, Any]:
        meta = {k: v for k, v in (pod.get("metadata") or {}).items() if k != "managedFields"}
        return blank({"kind": "Pod", "group": group, "metadata": meta, "spec": pod.get("spec"), "status": pod.get("status")})

    path = f"/api/v1/namespaces/{namespace}/pods"
    rows = reader.attempt(f"pods of {namespace}", lambda: reader.api.list(path, label_selector=labels or None, reduce=shorten))
    return rows or []


def _events(reader: Reader, namespaces: Iterable[str], blank: Blanker) -> list[dict[str, Any]]:
    def shorten(event: dict[str, Any]) -> dict[str, Any]:
        about = event.get("involvedObject") or {}
        when = event.get("lastTimestamp") or event.get("eventTime") or dig(event, "metadata.creationTimestamp")
        return blank({"kind": about.get("kind"), "namespace": about.get("namespace"), "name": about.get("name"),
                      "reason": event.get("reason"), "message": event.get("message"), "count": event.get("count"), "last": when})  # fmt: skip

    found: list[dict[str, Any]] = []
    for space in namespaces:
        list_them = partial(reader.api.list, f"/api/v1/namespaces/{space}/events", field_selector="type=Warning", reduce=shorten)
        found += reader.attempt(f"events of {space}", list_them) or []
    return sorted(found, key=lambda event: str(event["last"] or ""))[-EVENTS_KEPT:]


def _logs(api: Api, reader: Reader, pods: list[dict[str, Any]], blank: Blanker) -> list[dict[str, Any]]:
    """Logs of those in trouble first, then of the service's own Pods; also of a crashed container's life before."""
    told = [(_in_trouble(pod), pod) for pod in pods]
    wanted = [pod for trouble, pod in told if trouble] + [pod for trouble, pod in told if not trouble and pod["group"] in _TALKING]
    found = []
    for pod in wanted[:PODS_WITH_LOGS]:
        for status in [*items(pod, "status.initContainerStatuses"), *items(pod, "status.containerStatuses")]:
            for previous in (False, True) if status.get("restartCount") else (False,):
                text = _log(api, reader, pod, str(status.get("name")), previous)
                if text:
                    found.append({"group": pod["group"], "namespace": dig(pod, "metadata.namespace"), "pod": dig(pod, "metadata.name"),
                                  "container": status.get("name"), "previous": previous, "over": _over(status, previous),
                                  "text": blank(text[-LOG_BYTES:])})  # fmt: skip
    return found


def _over(status: Mapping[str, Any], previous: bool) -> bool:
    """Whether the log tells of trouble that the container has left behind: an earlier life of one that is well now."""
    return previous and bool(status.get("ready") or dig(status, "state.terminated.exitCode") == 0)


def _in_trouble(pod: Mapping[str, Any]) -> bool:
    restarts = any(status.get("restartCount") for status in items(pod, "status.containerStatuses"))
    return restarts or diagnose(pod) is not None or not is_well(pod)


def _log(api: Api, reader: Reader, pod: Mapping[str, Any], container: str, previous: bool) -> str:
    space, name = str(dig(pod, "metadata.namespace")), str(dig(pod, "metadata.name"))
    try:
        return api.logs(space, name, container, LOG_LINES, previous)
    except ClusterError as error:
        if not previous and dig(pod, "spec.nodeName"):
            reader.missing(f"log of {space}/{name} {container}", error.why)
        return ""
