# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a cluster who it is and what we may do. Changes nothing (access reviews are answers, not objects)."""

from __future__ import annotations

from typing import Any, Protocol

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Forbidden
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import cluster as whole

from . import rights

CONFIG = "/apis/config.openshift.io/v1"
AUTH = "/apis/authorization.k8s.io/v1"
# No namespace can have this name, so a rules review in it lists exactly what is granted over the whole cluster.
NOWHERE = "--cluster-wide--"


class Api(Protocol):
    """What is needed of a cluster (`_k8s.Cluster`)."""

    def get(self, path: str) -> dict[str, Any] | None: ...
    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]: ...


def identity(api: Api) -> dict[str, Any]:
    """`{"id", "api_url", "name"}` as the cluster says; values it doesn't tell (or forbids to read) are None."""

    def read(path: str) -> dict[str, Any] | None:
        try:
            return api.get(path)
        except Forbidden:
            return None

    return whole.identity(read(f"{CONFIG}/clusterversions/version"), read(f"{CONFIG}/infrastructures/cluster"))


def user(api: Api) -> str | None:
    """The name under which the API server knows us; None on servers that don't tell (Kubernetes before 1.28)."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = api.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    except ClusterError:
        return None
    name = ((answer.get("status") or {}).get("userInfo") or {}).get("username")
    return str(name) if name else None


def missing(api: Api, needs: list[rights.Need]) -> list[rights.Need]:
    """The rights that we lack. One rules review a namespace; whatever that doesn't show is asked for one by one."""
    by_namespace: dict[str | None, list[rights.Need]] = {}
    for need in needs:
        by_namespace.setdefault(need.namespace, []).append(need)
    found: list[rights.Need] = []
    for namespace, group in by_namespace.items():
        rules = _rules(api, namespace or NOWHERE)
        found += [need for need in group if not rights.granted(need, rules) and not _allowed(api, need)]
    return found


def _rules(api: Api, namespace: str) -> dict[str, Any]:
    kind = "SelfSubjectRulesReview"
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": {"namespace": namespace}}
    return api.create(f"{AUTH}/selfsubjectrulesreviews", body).get("status") or {}


def _allowed(api: Api, need: rights.Need) -> bool:
    """A rules review may be incomplete (webhook authorizers); this question has a definite answer."""
    if need.url:
        spec: dict[str, Any] = {"nonResourceAttributes": {"path": need.url, "verb": need.verb}}
    else:
        resource, _slash, sub = need.resource.partition("/")
        attributes = {
            "verb": need.verb,
            "group": need.group,
            "resource": resource,
            "subresource": sub,
            "namespace": need.namespace or "",
            "name": need.name or "",
        }
        spec = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    answer = api.create(f"{AUTH}/selfsubjectaccessreviews", body)
    return (answer.get("status") or {}).get("allowed") is True
