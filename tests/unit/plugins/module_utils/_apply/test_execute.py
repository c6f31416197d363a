# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the executor does when a kind comes late or a dry run is impossible. The API's own behaviour is tested on a rehearsal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils import _errors
from ansible_collections.llmd.openshift.plugins.module_utils._apply.execute import Executor, Options

THING = {"apiVersion": "x.example/v1", "kind": "Thing", "metadata": {"name": "t"}}
MISSING = _errors.KindMissing("The cluster doesn't serve this kind", "Thing", "no such CRD", "Install it.")


class Script:
    """Answers `path` and `apply` from lists: an exception is raised, anything else returned; the last entry stays."""

    url = "https://api"

    def __init__(self, paths: list[Any], applies: list[Any]) -> None:
        self.paths, self.applies, self.sent = paths, applies, 0
        self.live: dict[str, dict[str, Any]] = {}
        self.listing: list[dict[str, Any]] | None = []
        self.listed: list[str] = []

    @staticmethod
    def _next(entries: list[Any]) -> Any:
        entry = entries.pop(0) if len(entries) > 1 else entries[0]
        if isinstance(entry, Exception):
            raise entry
        return entry

    def namespaced(self, api_version: str, kind: str) -> bool:
        self._next(self.paths)
        return False

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        return f"/x/{name}" if name else "/x"

    def find(self, path: str) -> dict[str, Any] | None:
        return self.live.get(path)

    def list(self, path: str, label_selector: str | None = None) -> list[Any]:
        self.listed.append(path)
        if self.listing is None:
            raise _errors.Forbidden("The cluster forbids the request", path, "HTTP 403", "Ask.")
        return self.listing

    def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        self.sent += 1
        return self._next(self.applies)

    def delete(self, path: str, uid: str | None = None) -> bool:
        return True


def run(api: Script, **options: Any) -> Executor:
    executor = Executor(api, Options(**options), sleep=lambda _seconds: None)
    executor.apply([THING])
    return executor


def test_kind_that_comes_late_is_awaited():
    assert run(Script([MISSING, MISSING, "served"], [THING]), wait_crds_seconds=60).done[0].action == "created"


def test_kind_that_never_comes():
    with pytest.raises(_errors.KindMissing, match="no such CRD"):
        run(Script([MISSING], [THING]))


def test_api_server_that_lags_behind_is_asked_again():
    api = Script(["served"], [MISSING, MISSING, THING])
    assert run(api).done[0].action == "created" and api.sent == 3


def test_webhook_without_dry_run_is_a_prediction():
    refusal = _errors.Invalid("x", "y", 'HTTP 400: admission webhook "w" does not support dry run', "")
    outcome = run(Script(["served"], [refusal]), check=True).done[0]
    assert outcome.action == "predicted" and "webhook" in str(outcome.note) and outcome.after["kind"] == "Thing"
    with pytest.raises(_errors.Invalid, match="Thing t"):
        run(Script(["served"], [refusal]))


def test_errors_are_about_the_object_and_keep_the_request():
    forbidden = _errors.Forbidden("The cluster forbids the request", "PATCH /x on https://api", "HTTP 403: no", "Ask.")
    with pytest.raises(_errors.Forbidden) as caught:
        run(Script(["served"], [forbidden]))
    assert caught.value.where == "Thing t" and caught.value.details["request"].startswith("PATCH /x")


def ours(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap that we applied with these data."""
    labels = {"app.kubernetes.io/managed-by": "llmd-openshift"}
    fields = {"f:data": {f"f:{key}": {} for key in data}, "f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}}}
    note = {"manager": "llmd-openshift", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    return {**declared(name, **data), "metadata": {"name": name, "namespace": "n", "labels": labels, "managedFields": [note]}}


def declared(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data}


class Shelf(Script):
    """Serves namespaced ConfigMaps."""

    def namespaced(self, api_version: str, kind: str) -> bool:
        return True


def test_what_is_settled_costs_one_list_and_no_write():
    api = Shelf(["served"], [declared("c", x="1")])
    api.listing = [ours("a", x="1"), ours("b", x="1")]
    executor = Executor(api, Options())
    executor.apply([declared("a", x="1"), declared("b", x="2"), declared("c", x="1")])
    assert [row.action for row in executor.done] == ["unchanged", "updated", "created"]
    assert api.sent == 2 and api.listed == ["/x"]


def test_without_the_right_to_list_each_object_is_asked_for():
    api = Shelf(["served"], [declared("b", x="1")])
    api.listing, api.live = None, {"/x/a": ours("a", x="1"), "/x/b": ours("b", x="1")}
    executor = Executor(api, Options())
    executor.apply([declared("a", x="1"), declared("b", x="1")])
    assert [row.action for row in executor.done] == ["unchanged", "unchanged"] and api.sent == 0


def test_pauses_of_a_wait_for_a_kind_go_through_the_given_sleep():
    """That one keeps the run's lock, and ends the wait of a run that was killed."""
    from ansible_collections.llmd.openshift.plugins.module_utils._access.lease import Locked

    def stop(_seconds: float) -> None:
        raise Locked("The run has ended", "process 1", "killed", "Run again.")

    with pytest.raises(Locked):
        Executor(Script([MISSING], [THING]), Options(wait_crds_seconds=3600), sleep=stop).apply([THING])


# ---- what somebody else changed ----


def conflict(manager: str) -> _errors.Conflict:
    cause = {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}" using x.example/v1', "field": ".spec.a"}
    return _errors.Conflict("w", "Thing t", "y", "t", {"causes": [cause]})


def against(manager: str, ours: bool) -> Executor:
    labels = {"app.kubernetes.io/managed-by": "llmd-openshift"} if ours else {}
    api = Script([True], [conflict(manager), {**THING, "spec": {"a": 2}}])
    api.live = {"/x/t": {**THING, "metadata": {"name": "t", "labels": labels}, "spec": {"a": 1}}}
    return run(api)


@pytest.mark.parametrize("manager", ["kubectl-edit", "kubectl-patch", "Mozilla"])
def test_what_a_person_changed_on_an_object_of_ours_is_set_back(manager: str):
    (outcome,) = against(manager, ours=True).done
    assert (outcome.action, outcome.forced) == ("updated", [manager])


@pytest.mark.parametrize(("manager", "ours"), [("kubectl-edit", False), ("argocd-controller", True), ("kubectl-client-side-apply", True)])
def test_objects_of_others_and_programs_are_not_overruled(manager: str, ours: bool):
    with pytest.raises(_errors.Conflict, match=manager):
        against(manager, ours)


def gitops(**spec: Any) -> dict[str, Any]:
    mark = {"argocd.argoproj.io/tracking-id": "app:x.example/Thing:t"}
    return {**THING, "metadata": {"name": "t", "annotations": mark}, "spec": spec}


def test_what_argo_looks_after_is_compared_and_never_written():
    class Dry(Script):
        def apply(self, obj: dict[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
            assert dry_run, "written"
            return super().apply(obj, dry_run, force)

    api = Dry(["served"], [gitops(a=1)])
    api.live["/x/t"] = gitops(a=1)
    outcome = run(api).done[0]
    assert (outcome.action, outcome.note) == ("unchanged", "Argo CD looks after it")
    api = Dry(["served"], [gitops(a=2)])
    api.live["/x/t"] = gitops(a=1)
    with pytest.raises(_errors.Conflict, match=r"Argo CD would set it back.*'a': 1.*declared is.*'a': 2"):
        run(api)
