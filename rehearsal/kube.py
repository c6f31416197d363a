# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST client of everything in the rehearsal: small, thread-safe, keep-alive.

Objects are plain dicts and addresses are plain API paths ("/api/v1/nodes/a"), so that a stand-in can be read beside
the documentation of the API. ``path`` finds an address from apiVersion and kind through (cached) discovery.
"""

from __future__ import annotations

import contextlib
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from rehearsal import kubeconfig
from rehearsal.watched import OnEvent, relist, remember

Obj = dict[str, Any]
Objs = list[Obj]

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
WATCH_SECONDS = 290  # below the API server's own limit, so that the end of a watch is ours and clean
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TRIES = 5


class KubeError(Exception):
    """An answer that isn't a success. ``status`` is 0 when there was no answer at all."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class NotFound(KubeError):
    """404: the object, or its whole kind, isn't there."""


class Conflict(KubeError):
    """409: it exists already, was changed meanwhile, or another field manager owns the field."""


class Kube:
    """One user of one API server.

    Example::

        kube = Kube.from_kubeconfig(path, user_agent="lvms-operator")
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
        kube.watch("/api/v1/nodes", lambda kind, node: print(kind, node["metadata"]["name"]))
    """

    def __init__(self, server: str, ssl_context: ssl.SSLContext | None, token: str | None, user_agent: str) -> None:
        self.server = server.rstrip("/")
        self._headers = {"User-Agent": user_agent, "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(num_pools=2, maxsize=32, ssl_context=ssl_context, retries=False)
        self._lock = threading.Lock()
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}
        self._watches: set[urllib3.BaseHTTPResponse] = set()
        self._closed = threading.Event()

    @classmethod
    def from_kubeconfig(cls, path: str | Path, user_agent: str = "rehearsal") -> Kube:
        """Read server, CA and credentials of the current context. Raises OSError/KeyError on an unusable file."""
        return cls(*kubeconfig.read(path), user_agent)

    # --- plain verbs ---------------------------------------------------------------------------------------------

    def get(self, path: str) -> Obj | None:
        """The object at ``path``, or None when it (or its kind) isn't there."""
        try:
            return self.request("GET", path)
        except NotFound:
            return None

    def list(
        self, path: str, label_selector: str | None = None, field_selector: str | None = None, limit: int = 500
    ) -> Objs:
        """All objects of a collection, page by page, each with apiVersion and kind. NotFound when not served."""
        items, _version = self._list(path, label_selector, field_selector, limit)
        return items

    def create(self, path: str, obj: Obj) -> Obj:
        """POST to a collection (or to a sub-resource such as ``…/token``, ``…/eviction``)."""
        return self.request("POST", path, obj)

    def replace(self, path: str, obj: Obj) -> Obj:
        return self.request("PUT", path, obj)

    def patch(self, path: str, patch: Any, kind: str = "merge", subresource: str | None = None) -> Obj:
        target = f"{path}/{subresource}" if subresource else path
        return self.request("PATCH", target, patch, content_type=PATCH_TYPES[kind])

    def delete(
        self, path: str, grace_seconds: int | None = None, propagation: str | None = None, uid: str | None = None
    ) -> Obj | None:
        """Delete; None when it was gone already. ``uid`` guards against deleting a namesake."""
        options: Obj = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if propagation:
            options["propagationPolicy"] = propagation
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            return self.request("DELETE", path, options)
        except NotFound:
            return None

    # --- addressed by the object ---------------------------------------------------------------------------------

    def apply(self, obj: Obj, manager: str | None = None, force: bool = True) -> Obj:
        """Server-side apply of a whole object; its address comes from discovery."""
        meta = obj["metadata"]
        path = self.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"])
        query = {"fieldManager": manager or self._headers["User-Agent"], "force": str(force).lower()}
        return self.request("PATCH", path, obj, query=query, content_type=PATCH_TYPES["apply"])

    def apply_status(self, ref: Obj | str, status: Obj, manager: str | None = None) -> Obj:
        """Merge ``status`` into the status sub-resource of an object (or of the object at a path)."""
        path = ref if isinstance(ref, str) else self.path_of(ref)
        query = {"fieldManager": manager or self._headers["User-Agent"]}
        body = {"status": status}
        return self.request("PATCH", f"{path}/status", body, query=query, content_type=PATCH_TYPES["merge"])

    def path_of(self, obj: Obj) -> str:
        meta = obj["metadata"]
        return self.path(obj["apiVersion"], obj["kind"], meta.get("namespace"), meta["name"])

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """Address of a kind's collection, or of one object. Raises NotFound while the kind isn't served."""
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        plural, namespaced = self._resource(base, kind)
        middle = f"/namespaces/{namespace}" if namespace and namespaced else ""
        return f"{base}{middle}/{plural}" + (f"/{name}" if name else "")

    # --- watching ------------------------------------------------------------------------------------------------

    def watch(
        self,
        path: str,
        on_event: OnEvent,
        label_selector: str | None = None,
        field_selector: str | None = None,
        stop: threading.Event | None = None,
        on_listed: Callable[[], None] | None = None,
    ) -> None:
        """List, then watch, until ``stop`` is set or ``close`` is called.

        ``on_event(type, obj)`` gets ADDED for what the list held, then ADDED, MODIFIED and DELETED. After a gap (410, lost
        connection) the list is read again: what vanished meanwhile comes as DELETED. While the kind isn't served the
        watch waits for it. An exception of ``on_event`` ends the watch. ``on_listed`` is called after each list.
        """
        known: dict[str, Obj] = {}
        query = {k: v for k, v in (("labelSelector", label_selector), ("fieldSelector", field_selector)) if v}
        pause = 0.2
        while not self._stopping(stop):
            try:
                items, version = self._list(path, label_selector, field_selector, 500)
                relist(known, items, on_event)
                if on_listed:
                    on_listed()
                pause = 0.2
                self._follow(path, query, version, known, on_event, stop)
            except KubeError as error:
                if isinstance(error, NotFound):
                    relist(known, [], on_event)  # the kind itself is gone, and all its objects with it
                if error.status != 410:
                    self._wait(stop, error.retry_after or pause * random.uniform(0.8, 1.2))
                    pause = min(pause * 2, 3.0)

    def close(self) -> None:
        """End all watches of this client, also those that are blocked in a read."""
        self._closed.set()
        with self._lock:
            open_watches = list(self._watches)
        for response in open_watches:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it may end by itself at the same moment
                response.shutdown()

    # --- machinery -----------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        timeout: float = READ_SECONDS,
    ) -> Any:
        """One call; lost connections and 429 are tried again where that's safe. Returns the decoded JSON."""
        pause = 0.1
        for attempt in range(TRIES):
            try:
                response = self._send(method, path, body, query, content_type, timeout)
                return json.loads(response.data) if response.data else {}
            except KubeError as error:
                safe = error.status == 429 or (error.status == 0 and (method != "POST" or error.reason == "Refused"))
                if not safe or attempt == TRIES - 1 or self._closed.is_set():
                    raise
                time.sleep(min(error.retry_after or pause, 5.0))
                pause *= 2
        raise AssertionError("unreachable: the loop returns or raises")

    def text(self, path: str, query: dict[str, str] | None = None) -> str:
        """The body of a GET as text (logs, metrics)."""
        data: bytes = self._send("GET", path, None, query, "", READ_SECONDS).data
        return data.decode("utf-8", "replace")

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, str] | None,
        content_type: str,
        timeout: float,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        url = self.server + path
        if query:
            url += ("&" if "?" in path else "?") + urlencode(query)
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        try:
            response = self._pool.request(
                method,
                url,
                body=data,
                headers=headers,
                preload_content=not stream,
                redirect=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout),
            )
        except urllib3.exceptions.NewConnectionError as error:
            raise KubeError(0, "Refused", f"{self.server}: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise KubeError(0, "ConnectionLost", f"{method} {path}: {error}") from error
        if response.status >= 300:
            raise _error(response, f"{method} {path}")
        return response

    def _list(self, path: str, label_selector: str | None, field_selector: str | None, limit: int) -> tuple[Objs, str]:
        query = {"limit": str(limit)}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        items: Objs = []
        while True:
            page = self.request("GET", path, query=query)
            kind = page.get("kind", "").removesuffix("List")
            head = {"apiVersion": page.get("apiVersion", ""), "kind": kind}
            items.extend({**head, **item} for item in page.get("items") or [])
            meta = page.get("metadata") or {}
            if not meta.get("continue"):
                return items, meta.get("resourceVersion", "")
            query["continue"] = meta["continue"]

    def _follow(
        self,
        path: str,
        query: dict[str, str],
        version: str,
        known: dict[str, Obj],
        on_event: OnEvent,
        stop: threading.Event | None,
    ) -> None:
        """Watch from ``version`` on, again and again; returns (to list anew) when the server has forgotten it."""
        while not self._stopping(stop):
            full = {
                **query,
                "watch": "true",
                "resourceVersion": version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_SECONDS + random.randint(-60, 0)),
            }
            response = self._send("GET", path, None, full, "", WATCH_SECONDS + 30, stream=True)
            with self._lock:
                self._watches.add(response)
            try:
                for event in _events(response):
                    if self._stopping(stop):
                        return
                    obj = event["object"]
                    if event["type"] == "ERROR":
                        if obj.get("code") != 410:
                            self._wait(stop, 0.5)
                        return
                    version = obj["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        remember(known, event["type"], obj)
                        on_event(event["type"], obj)
            except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
                pass  # cut off (AttributeError: urllib3 after shutdown); go on from the last version seen
            finally:
                with self._lock:
                    self._watches.discard(response)
                response.close()
            self._wait(stop, 0.05)

    def _resource(self, base: str, kind: str) -> tuple[str, bool]:
        with self._lock:
            found = self._resources.get(base, {}).get(kind)
        if found:
            return found
        listing = self.get(base)
        table = {
            r["kind"]: (r["name"], bool(r["namespaced"]))
            for r in (listing or {}).get("resources", [])
            if "/" not in r["name"]
        }
        with self._lock:
            self._resources[base] = table
        if kind not in table:
            raise NotFound(404, "KindMissing", f"the API server doesn't serve kind {kind} in {base}")
        return table[kind]

    def _stopping(self, stop: threading.Event | None) -> bool:
        return self._closed.is_set() or (stop is not None and stop.is_set())

    def _wait(self, stop: threading.Event | None, seconds: float) -> None:
        (stop or self._closed).wait(seconds)


def _error(response: urllib3.BaseHTTPResponse, where: str) -> KubeError:
    body = response.data  # reads what a streamed answer still holds
    try:
        status = json.loads(body)
        reason, message = status.get("reason", ""), status.get("message", "")
    except (ValueError, AttributeError):
        reason, message = "", body[:300].decode("utf-8", "replace").strip()
    kind = {404: NotFound, 409: Conflict}.get(response.status, KubeError)
    after = response.headers.get("Retry-After", "")
    return kind(response.status, reason, message or where, float(after) if after.isdigit() else None)


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[Obj]:
    """The JSON lines of a watch."""
    rest = b""
    for chunk in response.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
