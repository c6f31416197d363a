# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's API, as the rest of the collection sees it (contract: docs/architecture.md 3.7).

The only file that imports Kubernetes libraries: kubernetes.core for the names of the connection options, and the
`kubernetes` package for credentials that come from a program or an identity provider - loaded only then, since its
import alone costs more CPU time than most of our modules.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.llmd.openshift.plugins.module_utils._errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KindMissing,
    Misdeclared,
    NotFound,
    Overloaded,
    Unauthorized,
    Unreachable,
)
from ansible_collections.llmd.openshift.plugins.module_utils._kube import connection as _connection
from ansible_collections.llmd.openshift.plugins.module_utils._kube import cut, faults, paths
from ansible_collections.llmd.openshift.plugins.module_utils._kube.transport import Dropped, Transport, pause

__all__ = [
    "AUTH_SPEC", "FIELD_MANAGER", "MANAGED_BY", "Cluster", "ClusterError", "Conflict", "Forbidden", "Gone", "Invalid",
    "KindMissing", "Misdeclared", "NotFound", "Overloaded", "Unauthorized", "Unreachable",
]  # fmt: skip

FIELD_MANAGER = "llmd-openshift"
MANAGED_BY = ("app.kubernetes.io/managed-by", "llmd-openshift")  # label of everything that we make
# A minute without API is normal while OpenShift rolls out its own API server (reference quality 1.1: the 60 s bar).
DEADLINE_SECONDS = 90.0
SILENCE_SECONDS = 90.0  # kube-apiserver sends a bookmark about every minute; a longer silence is a dead connection

# kubernetes.core's own options, so that one module_defaults entry serves its modules and ours.
AUTH_SPEC: dict[str, Any] = {
    **deepcopy(AUTH_ARG_SPEC),
    "deadline_seconds": {"type": "float", "default": DEADLINE_SECONDS},
}

Objects = list[Any]  # a name of its own, since `Cluster.list` hides the built-in inside the class

APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
DISCOVERY = ",".join(
    [f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")]
    + [JSON]
)


class Cluster:
    """The API of one cluster. Safe to use from several threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._served: dict[str, dict[str, tuple[str, bool]]] = {}
        self._clock: tuple[datetime, float] | None = None  # the server's time, and ours (monotonic) when it came

    @classmethod
    def connect(cls, params: dict[str, Any]) -> Cluster:
        """The cluster that the connection options name. Sends nothing yet.

        :param params: kubernetes.core's connection options and `deadline_seconds` (per call, default 90).
        :raises Misdeclared: the options name no cluster, or can't be used.
        """

        def load() -> _connection.Connection:
            entry = _connection.load_entry(params)
            if entry is not None and entry.needs_plugin:
                return _from_kubernetes_loader(entry, params)
            return _connection.from_entry(entry, params)

        deadline = float(params.get("deadline_seconds") or DEADLINE_SECONDS)
        return cls(Transport(load(), deadline, reload=load))

    @property
    def url(self) -> str:
        """The API URL that is really used."""
        return self._transport.server

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, path: str) -> dict[str, Any] | None:
        """One object (or any JSON document); None when it isn't there (404)."""
        try:
            return self.find(path)
        except KindMissing:
            return None

    def find(self, path: str) -> dict[str, Any] | None:
        """One object; None when it isn't there. :raises KindMissing: its kind isn't served."""
        try:
            return self._json("GET", path)
        except NotFound:
            return None

    def list(
        self,
        path: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        reduce: Callable[[dict[str, Any]], Any] | None = None,
        metadata_only: bool = False,
        leave_out: tuple[str, ...] = (),
    ) -> Objects:
        """All objects of a collection, read in pages; `reduce` shrinks each object before the next page is read.

        `metadata_only` has the API server leave out all but metadata (CRDs: a hundredth of the bytes).
        `leave_out` names lists of objects that may come empty, since they needn't be parsed then ("managedFields").

        :raises KindMissing: the resource isn't served.
        """
        return self.list_versioned(path, label_selector, field_selector, limit, reduce, metadata_only, leave_out)[0]

    def list_versioned(
        self,
        path: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = 500,
        reduce: Callable[[dict[str, Any]], Any] | None = None,
        metadata_only: bool = False,
        leave_out: tuple[str, ...] = (),
    ) -> tuple[Objects, str]:
        """As `list`, with the resourceVersion from which a watch goes on."""
        query = {"limit": str(limit), "labelSelector": label_selector, "fieldSelector": field_selector}
        given = {key: value for key, value in query.items() if value}
        accept = METADATA if metadata_only else JSON
        for last_try in (False, True):
            try:
                return self._pages(path, given, reduce, accept, leave_out)
            except Gone:  # the page token outlived etcd's compaction (5 minutes): once more from the start
                if last_try:
                    raise
        raise AssertionError("unreachable")

    def _pages(
        self, path: str, query: dict[str, str], reduce: Any, accept: str, leave_out: tuple[str, ...]
    ) -> tuple[Objects, str]:
        items: Objects = []
        token, first = "", ""
        while True:
            document = self._json("GET", path, {**query, **({"continue": token} if token else {})}, None, None, accept, leave_out)
            token, version = _taken(document, reduce, items)
            first = first or version
            if not token:
                return items, first
            del document  # else two pages would be in memory while the next one is read

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of a kind's collection or, with `name`, of one object.

        A kind of `paths.FIXED` or `paths.CUSTOM` costs no request, and it isn't known then whether it is served: the
        request itself tells (`find`, `list`). Any other is asked for once per group version.
        :raises KindMissing: the kind isn't served (no such CRD, or not yet established).
        """
        plural, namespaced = self._resource(api_version, kind)
        return paths.build(api_version, plural, namespaced, namespace, name)

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in a namespace. :raises KindMissing:"""
        return self._resource(api_version, kind)[1]

    def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        known = paths.known(api_version, kind) or self._served.get(api_version, {}).get(kind)
        if known is None:  # unknown or not served yet: a miss is never remembered, since a CRD may come any moment
            self._served[api_version] = paths.resources_of(self.get(paths.group_path(api_version)))
            known = self._served[api_version].get(kind)
        if known is None:
            raise KindMissing(
                "The cluster doesn't serve this kind",
                f"{kind} ({api_version}) on {self.url}",
                "no installed API has it",
                "Install the operator whose CRD defines it, then run again.",
                {"api_version": api_version, "kind": kind},
            )
        return known

    def discovery(self) -> dict[str, Any]:
        """All API groups with their resources in one document (APIGroupDiscoveryList; OpenShift 4.14 and newer)."""
        document = self._json("GET", "/apis", accept=DISCOVERY)
        if document.get("kind") != "APIGroupDiscoveryList":
            raise Invalid(
                "The API server is too old",
                self.url,
                "it doesn't offer aggregated discovery (Kubernetes 1.27, OpenShift 4.14)",
                "Upgrade the cluster.",
            )
        return document

    def server_time(self) -> datetime:
        """The API server's clock (its `Date` header, from the last answer on); ours where a proxy removes that header."""
        if self._clock is None:
            self._note_time(self._transport.request("GET", "/version").date)
        heard = self._clock
        if heard is None:
            return datetime.now(UTC)
        return heard[0] + timedelta(seconds=time.monotonic() - heard[1])

    def _note_time(self, date: str | None) -> None:
        with contextlib.suppress(TypeError, ValueError):
            self._clock = (parsedate_to_datetime(date or "").astimezone(UTC), time.monotonic())

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        tail: int | None = None,
        previous: bool = False,
        most_bytes: int | None = None,
    ) -> str:
        """A container's log as text (undecodable bytes replaced).

        :param tail: only so many of its last lines; :param previous: of its life before the last restart;
        :param most_bytes: no more than so many bytes from where it begins.

        :raises NotFound: no such pod.
        """
        base = paths.build("v1", "pods", True, namespace, pod)
        query = {
            "container": container,
            "tailLines": str(tail) if tail else None,
            "previous": "true" if previous else None,
            "limitBytes": str(most_bytes) if most_bytes else None,
        }
        reply = self._transport.request("GET", _with(f"{base}/log", query), accept="*/*")
        return reply.body.decode("utf-8", "replace")

    # -- writing ---------------------------------------------------------------------------------------------------

    def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Server-side apply as field manager `llmd-openshift`: makes the object or changes our fields of it.

        :raises Conflict: another manager owns a field and `force` is off (`details.causes` names both).
        """
        meta = obj.get("metadata") or {}
        path = self.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"])
        query = {
            "fieldManager": FIELD_MANAGER,
            "force": "true" if force else None,
            "dryRun": "All" if dry_run else None,
        }
        return self._json("PATCH", path, query, obj, APPLY)

    def create(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        """POST to a collection. :raises Conflict: it exists already (also when a lost answer was repeated)."""
        return self._json("POST", path, {"fieldManager": FIELD_MANAGER}, obj, "application/json")

    def replace(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        """PUT; with `metadata.resourceVersion` only if nobody changed it since. :raises Conflict:"""
        return self._json("PUT", path, {"fieldManager": FIELD_MANAGER}, obj, "application/json")

    def patch(self, path: str, body: Any, content_type: str = MERGE) -> dict[str, Any]:
        """PATCH with the given content type (default: JSON merge patch)."""
        return self._json("PATCH", path, {"fieldManager": FIELD_MANAGER}, body, content_type)

    def delete(self, path: str, uid: str | None = None) -> bool:
        """Delete in the background, with `uid` only that very object. False when it wasn't there.

        :raises Conflict: an object of that name with another uid is there.
        """
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            self._json("DELETE", path, None, body, "application/json")
        except (NotFound, KindMissing):
            return False
        return True

    # -- watching --------------------------------------------------------------------------------------------------

    def watch(
        self,
        path: str,
        resource_version: str,
        seconds: float,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Changes (`ADDED|MODIFIED|DELETED`, object) after a resourceVersion, for about `seconds`.

        Goes on by itself after a dropped connection. With resource_version "0" or "" the current objects come first.
        :raises Gone: the position is too old; list again. Other ClusterErrors: no connection until the deadline.
        """
        end = time.monotonic() + seconds
        version = resource_version
        drops = 0
        while (left := end - time.monotonic()) > 0:
            before = version
            try:
                for kind, obj in self._events(path, version, left, label_selector, field_selector):
                    version = (obj.get("metadata") or {}).get("resourceVersion") or version
                    if kind != "BOOKMARK":
                        yield kind, obj
            except Dropped:
                pass  # go on from the last position
            # A server that ends the watch at once, again and again, must not make us spin.
            drops = 0 if version != before else drops + 1
            if (left := end - time.monotonic()) > 0 and drops:
                time.sleep(min(pause(drops, 0.0), left))

    def _events(
        self, path: str, version: str, seconds: float, labels: str | None, fields: str | None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version or None,
            "timeoutSeconds": str(max(1, round(seconds))),
            "labelSelector": labels,
            "fieldSelector": fields,
        }
        rest = b""
        for chunk in self._transport.stream(_with(path, query), read_seconds=min(seconds + 5, SILENCE_SECONDS)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in filter(None, lines):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    raise _watch_error(event.get("object") or {}, f"watch of {path} on {self.url}")
                yield event["type"], event["object"]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _json(
        self,
        method: str,
        path: str,
        query: dict[str, str | None] | None = None,
        body: Any = None,
        content_type: str | None = None,
        accept: str = JSON,
        leave_out: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        reply = self._transport.request(method, _with(path, query), data, content_type, accept)
        self._note_time(reply.date)
        try:
            document = cut.parse(reply.body, leave_out)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Unreachable(
                "This is no API server",
                f"{method} {path} on {self.url}",
                "the answer isn't a JSON object",
                "Check the API URL.",
            )
        return document


def _taken(document: dict[str, Any], reduce: Any, items: Objects) -> tuple[str, str]:
    """Adds one page's objects to `items`; (token of the next page, resourceVersion)."""
    kind = str(document.get("kind", "")).removesuffix("List")
    for item in document.get("items") or []:
        item.setdefault("apiVersion", document.get("apiVersion"))  # items of built-in lists lack both
        item.setdefault("kind", kind)
        items.append(reduce(item) if reduce else item)
    meta = document.get("metadata") or {}
    return meta.get("continue") or "", meta.get("resourceVersion") or ""


def _with(path: str, query: dict[str, str | None] | None) -> str:
    given = {key: value for key, value in (query or {}).items() if value is not None}
    if not given:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(given)}"


def _watch_error(status: dict[str, Any], where: str) -> ClusterError:
    fault = faults.judge(int(status.get("code") or 500), {}, json.dumps(status).encode(), where)
    if fault is None:
        raise ValueError(f"{where}: an ERROR event carries a success")
    return fault.error


def _from_kubernetes_loader(entry: _connection.Entry, params: dict[str, Any]) -> _connection.Connection:
    """Credentials of `exec` and `auth-provider` users: the `kubernetes` package runs the program and renews tokens."""
    where = f"user of context {entry.context!r} in {entry.source}"
    wrong = "The connection to the cluster can't be made"
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise Misdeclared(wrong, where, f"it needs a Python library: {error}", "Install requirements.txt.") from None
    raw = params.get("kubeconfig")
    loaded = client.Configuration()
    try:
        if isinstance(raw, dict):
            config.load_kube_config_from_dict(raw, context=entry.context, client_configuration=loaded)
        else:
            source = raw or _connection.DEFAULT_KUBECONFIG
            config.load_kube_config(
                config_file=source, context=entry.context, client_configuration=loaded, persist_config=False
            )
    except Exception as error:  # the loader raises what its helpers raise: any of them means "no credentials"
        text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise Misdeclared(
            wrong, where, f"its login helper failed: {text}", "Run that login by hand, then again."
        ) from None
    authorization = loaded.get_api_key_with_prefix("authorization") or ""
    token = authorization.removeprefix("Bearer ").strip()
    user = {key: value for key, value in entry.user.items() if key not in ("exec", "auth-provider")}
    if token:
        user["token"] = token
    if loaded.cert_file and loaded.key_file:
        user.update({"client-certificate": loaded.cert_file, "client-key": loaded.key_file})
        user.pop("client-certificate-data", None)
        user.pop("client-key-data", None)
    plain = _connection.Entry(entry.source, entry.cluster, user, entry.folder, entry.context)
    return _connection.from_entry(plain, params)
