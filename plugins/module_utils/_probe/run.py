# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measurement from start to end: read the service, make the client's Pod, await it, read its log, delete everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import ClusterError, Forbidden, KindMissing
from .._perf.bench import Bench
from .._proof import client, engine_log, objects, plan, pods
from .._wait.fields import condition, dig, items, mapping
from .._wait.pods import diagnose
from .._wait.targets import parse
from .._watch.wait import ClusterLike, Wait, WaitFailed

# The client must end, with its document, before its Pod's deadline and our patience do.
START_SECONDS = 120.0
SPARE_SECONDS = 20.0
LOG_LINES = 400  # a document of megabytes is one line for us and many for the container runtime
# Of a vLLM Pod's log: kubelets rotate theirs at 10 MiB by default. What is wanted stands near its beginning.
ENGINE_LOG_BYTES = 12 * 1024 * 1024
ENGINE_LOGS = 16


class ProbeError(Exception):
    """Nothing could be measured; ``failure`` names object, reason and repair."""

    def __init__(self, where: str, why: str, todo: str, reason: str = "NotMeasured") -> None:
        super().__init__(f"The service couldn't be measured: {where}: {why.rstrip('.')}. {todo}")
        self.failure = {"object": where, "reason": reason, "detail": why, "repair": todo}


@dataclass(frozen=True)
class Orders:
    """What to measure. :raises ProbeError: the image isn't named by digest, or too few requests or seconds."""

    namespace: str
    name: str
    api_version: str
    image: str
    requests: int = 24
    seconds: int = 600
    url: str = ""
    verify_gateway: bool = True
    gateway_ca: str = ""
    path: str = "inference_scheduling"

    def __post_init__(self) -> None:
        if "@sha256:" not in self.image:
            raise ProbeError(f"image {self.image or '(none)'}", "it isn't named by digest",
                             "Give an image as NAME@sha256:…, such as the one of ImageStream openshift/tools.")  # fmt: skip
        if self.seconds < 60:
            raise ProbeError("timeout_seconds", f"{self.seconds} s are too few", "Give 60 seconds or more.")
        try:
            plan.groups(self.requests)
        except plan.PlanError as error:
            raise ProbeError("requests", str(error), "Raise llmd_probe_requests.") from None

    @property
    def subject(self) -> str:
        """How the service is shown."""
        return f"LLMInferenceService {self.namespace}/{self.name}"


class Probe:
    """A measurement of one service. ``left_behind`` has what couldn't be deleted afterwards."""

    def __init__(self, cluster: Any, orders: Orders, beat: Callable[[], None] = lambda: None) -> None:
        self._cluster, self._orders, self._beat = cluster, orders, beat
        self._bench = Bench(cluster, orders.namespace, "llmd-probe", objects.SELECTOR, lambda _line: None, beat)
        self.name, self.left_behind = self._bench.name, self._bench.left_behind

    def run(self) -> dict[str, Any]:
        """The measurements. :raises ProbeError: the service or the Pod isn't fit. :raises ClusterError: the API said no."""
        self._sweep()
        service = self._service()
        found = self._pods()
        try:
            document = self._measured(service, _of(found, pods.ENGINE_LABELS), _of(found, pods.PICKER_LABELS))
        finally:
            self._bench.clear()
        after = self._pods()
        now = {
            part: _states(_of(found, labels), _of(after, labels), service)
            for part, labels in (("engines", pods.ENGINE_LABELS), ("pickers", pods.PICKER_LABELS))
        }
        return {
            "path": self._orders.path,
            "service": self._orders.subject,
            "model": plan.model_name(service),
            "adapters": plan.adapters(service),
            "replicas": plan.replicas(service),
            "prefill_replicas": plan.prefill_replicas(service),
            "group_sizes": plan.group_sizes(service),
            "auth": plan.auth_on(service),
            "condition": dict(condition(service, "Ready")),
            "endpoints": self._endpoints(service),
            **now,
            "members": [s for s in _states(found, after, service) if "group" in s],
            "logs": self._engine_logs(service, now["engines"]),
            "document": document,
        }

    # -- reading the service -------------------------------------------------------------------------------------------

    def _service(self) -> dict[str, Any]:
        o = self._orders
        try:
            found = self._cluster.find(self._cluster.path(o.api_version, "LLMInferenceService", o.namespace, o.name))
        except KindMissing as error:
            raise ProbeError(o.subject, error.why, error.todo) from None
        if found is None:
            raise ProbeError(o.subject, "it doesn't exist", "Run the serving stage first.")
        return dict(found)

    def _pods(self) -> list[dict[str, Any]]:
        """The service's Pods: vLLM's, all of their groups, and the picker's."""
        path = self._cluster.path("v1", "Pod", self._orders.namespace)
        found = self._cluster.list(path, label_selector=pods.selector(pods.COMMON_LABELS, self._orders.name))
        return [p for p in found if not dig(p, "metadata.deletionTimestamp")]

    def _engine_logs(self, service: Mapping[str, Any], engines: list[dict[str, Any]]) -> dict[str, Any]:
        """What the logs of the Pods that answer show, where KV blocks come from elsewhere."""
        if self._orders.path != "kv_cache_offload" and plan.prefill_replicas(service) is None:
            return {}
        out: dict[str, Any] = {}
        for engine in [e for e in engines if e.get("role") != "prefill"][:ENGINE_LOGS]:
            try:
                text = self._cluster.logs(self._orders.namespace, engine["name"], "main", most_bytes=ENGINE_LOG_BYTES)
                out[engine["name"]] = {"lines": engine_log.kept(text)}
            except ClusterError as error:
                out[engine["name"]] = {"error": error.why}
        return out

    def _endpoints(self, service: Mapping[str, Any]) -> dict[str, str]:
        base = (self._orders.url or plan.address(service)).rstrip("/")
        paths = {"models": "/v1/models", "chat": "/v1/chat/completions", "completions": "/v1/completions"}
        return {"url": base, **{k: base + p for k, p in paths.items()}}

    # -- the client's Pod ----------------------------------------------------------------------------------------------

    def _measured(
        self, service: Mapping[str, Any], engines: list[dict[str, Any]], pickers: list[dict[str, Any]]
    ) -> Any:
        o = self._orders
        owner = objects.owner_of(self._bench.create(objects.account(self.name, o.namespace)))
        denied = self._denied(owner)
        try:
            seconds = max(30.0, o.seconds - START_SECONDS - SPARE_SECONDS)
            orders = plan.build(
                o.path, service, engines, pickers, o.requests, self.name, seconds, o.url, o.verify_gateway, denied
            )
        except plan.PlanError as error:
            raise ProbeError(o.subject, str(error), "Look at the service's status and its Pods.") from None
        config = objects.config(self.name, o.namespace, client_script(), orders, o.gateway_ca, owner)
        for obj in (
            objects.role(self.name, o.namespace, o.name, owner),
            objects.role_binding(self.name, o.namespace, owner),
            objects.cluster_role(self.name, o.namespace),
            objects.cluster_role_binding(self.name, o.namespace),
            config,
            objects.pod(self.name, o.namespace, o.image, o.seconds, denied, owner, config),
        ):
            self._bench.create(obj)
        self._await()
        return self._document()

    def _denied(self, owner: dict[str, Any]) -> bool:
        """An account without any right, and its token for the client; False where we may not make tokens."""
        o, name = self._orders, f"{self.name}-denied"
        self._bench.create(objects.account(name, o.namespace, owner))
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        try:
            made = self._cluster.create(
                f"{self._cluster.path('v1', 'ServiceAccount', o.namespace, name)}/token", request
            )
            self._bench.create(objects.denied_token(self.name, o.namespace, str(dig(made, "status.token")), owner))
        except Forbidden:
            return False
        return True

    def _await(self) -> None:
        target = {
            "api_version": "v1",
            "kind": "Pod",
            "namespace": self._orders.namespace,
            "name": self.name,
            "until": "completed",
        }
        cluster: ClusterLike = self._cluster
        try:
            Wait(cluster, parse([target]), float(self._orders.seconds + SPARE_SECONDS), lambda _line: None, beat=self._beat).run()
        except WaitFailed as error:
            where = f"Pod {self._orders.namespace}/{self.name}"
            if error.failure:
                state = error.failure.state
                raise ProbeError(where, state.text, state.repair, state.reason) from None
            if isinstance(error.error, ClusterError):
                raise error.error from None
            raise ProbeError(where, str(error), "Look at the node and at the Pod's events.", "Timeout") from None

    def _document(self) -> Any:
        text = self._cluster.logs(self._orders.namespace, self.name, "client", LOG_LINES)
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            last = lines[-1][:200] if lines else "nothing"
            raise ProbeError(f"Pod {self._orders.namespace}/{self.name}", f"its log doesn't end with a document: {last}",
                             "Check that the image has python3 (3.9 or later).", "NoDocument") from None  # fmt: skip

    # -- leaving nothing behind ----------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Deletes what an interrupted measurement of this namespace left behind (the run's lock says: nobody else's).

        What lies in the namespace belongs to its ServiceAccount and goes with it.
        """
        self._bench.sweep("Pod", "ServiceAccount")
        for kind in ("ClusterRoleBinding", "ClusterRole"):
            self._bench.sweep_all(self._cluster.path(f"{objects.RBAC}/v1", kind), self._is_ours)

    def _is_ours(self, obj: Mapping[str, Any]) -> bool:
        """Of cluster-wide leftovers only those for this namespace: another namespace may be measured right now."""
        return mapping(obj, "metadata.annotations").get(objects.NAMESPACE_ANNOTATION) == self._orders.namespace


def client_script() -> dict[str, str]:
    """The client's files."""
    try:
        return {file.name: file.read_text(encoding="utf-8") for file in sorted(Path(str(client.__file__)).parent.glob("*.py"))}
    except OSError as error:
        why = f"its source can't be read: {error.strerror}"
        raise ProbeError("the proof's client", why, "Install the collection anew.") from None


def _of(found: list[dict[str, Any]], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [p for p in found if pods.has(p, labels)]


def _states(before: list[dict[str, Any]], after: list[dict[str, Any]], service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each Pod that is there now or was before: what it does, ready then and now, restarts then and now, what is wrong."""
    old = {pods.name(p): p for p in before}
    new = {pods.name(p): p for p in after}
    out = []
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        one = now or was or {}
        trouble = diagnose(now) if now else None
        out.append({
            "name": name,
            "node": str(dig(one, "spec.nodeName") or ""),
            "role": pods.role(one),
            "ranks": pods.ranks(one, plan.parallelism(service, pods.role(one) == "prefill")),
            "expert_parallel": pods.expert_parallel(one),
            **(pods.place(one) or {}),
            "ready_before": bool(was and pods.is_ready(was)),
            "ready": bool(now and pods.is_ready(now)),
            "restarts_before": _restarts(was),
            "restarts": _restarts(now),
            "trouble": trouble.text if trouble else ("" if now else "gone"),
        })  # fmt: skip
    return out


def _restarts(pod: Mapping[str, Any] | None) -> int:
    statuses = items(pod or {}, "status.containerStatuses")
    return sum(s.get("restartCount") or 0 for s in statuses)
