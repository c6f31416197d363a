# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue, the gate and the small helpers under every stand-in."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.operators.children import Child
from rehearsal.operators.engine import is_copied, running_csv, stand_in_classes
from rehearsal.operators.informers import Informer
from rehearsal.operators.objects import condition, matches, matches_node_terms, merge_conditions, merged, tolerated
from rehearsal.operators.runtime import StandIn, soonest
from rehearsal.operators.settings import Settings
from rehearsal.operators.workqueue import WorkQueue


def csv(name: str, phase: str = "Succeeded", **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", **meta}, "status": {"phase": phase}}


class TestWorkQueue:
    def test_the_soonest_due_key_comes_first_and_only_once(self) -> None:
        clock = [0.0]
        queue: WorkQueue[str] = WorkQueue(lambda: clock[0])
        queue.add("late", 5)
        queue.add("soon", 1)
        queue.add("soon", 9)  # an earlier due time wins
        clock[0] = 10
        assert [queue.take(), queue.take()] == ["soon", "late"]

    def test_a_key_at_work_is_not_handed_out_again_before_done(self) -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert queue.take() == "a"
        queue.add("a")
        taken: list[str | None] = []
        thread = threading.Thread(target=lambda: taken.append(queue.take()))
        thread.start()
        time.sleep(0.05)
        assert taken == []
        queue.done("a")
        thread.join(2)
        assert taken == ["a"]

    def test_close_ends_a_waiting_take(self) -> None:
        queue: WorkQueue[str] = WorkQueue()
        taken: list[str | None] = ["x"]
        thread = threading.Thread(target=lambda: taken.append(queue.take()))
        thread.start()
        queue.close()
        thread.join(2)
        assert taken[-1] is None


class TestGate:
    def test_an_operator_starts_only_when_its_csv_has_succeeded(self) -> None:
        assert running_csv([csv("nfd.4.20", "Installing")], "nfd.") is None
        assert running_csv([csv("nfd.4.20")], "nfd.") is not None

    def test_a_running_operator_survives_an_upgrade_but_not_the_deletion_of_its_csv(self) -> None:
        old, new = csv("nfd.1", "Replacing"), csv("nfd.2", "Installing")
        found = running_csv([new, old], "nfd.", running="nfd.1")
        assert found is not None
        assert found["metadata"]["name"] == "nfd.1"
        assert running_csv([], "nfd.", running="nfd.1") is None

    def test_copies_of_an_all_namespaces_csv_do_not_count(self) -> None:
        copy = csv("nfd.1", labels={"olm.copiedFrom": "openshift-operators"})
        assert is_copied(copy)
        assert running_csv([copy], "nfd.") is None

    def test_a_name_that_only_looks_similar_does_not_count(self) -> None:
        assert running_csv([csv("nfd-extra.1")], "nfd.") is None

    def test_every_module_of_the_package_is_found(self) -> None:
        names = {cls.agent() for cls in stand_in_classes()}
        assert {"machine-config-operator", "nfd-operator", "gpu-operator", "lvms-operator", "topolvm-controller"} <= names


class TestInformer:
    def test_handlers_hear_changes_once_and_late_ones_hear_what_exists(self) -> None:
        informer = Informer(None, "v1", "Node")  # type: ignore[arg-type]
        heard: list[tuple[str, str]] = []
        informer.subscribe(lambda event, obj: heard.append((event, obj["metadata"]["name"])))
        node = {"metadata": {"name": "a", "resourceVersion": "1"}}
        informer._on_event("ADDED", dict(node))
        informer._on_event("MODIFIED", dict(node))  # the same version, told again by a re-list
        informer.subscribe(lambda event, obj: heard.append((f"late {event}", obj["metadata"]["name"])))
        informer._forget_all()
        assert heard == [("ADDED", "a"), ("late ADDED", "a"), ("DELETED", "a"), ("late DELETED", "a")]
        assert informer.objects() == []


    def test_pods_are_found_by_their_node(self) -> None:
        informer = Informer(None, "v1", "Pod")  # type: ignore[arg-type]

        def tell(event: str, version: str, node: str | None) -> None:
            spec = {"nodeName": node} if node else {}
            informer._on_event(event, {"metadata": {"name": "p", "namespace": "n", "resourceVersion": version}, "spec": spec})

        tell("ADDED", "1", None)
        assert informer.on_node("a") == []
        tell("MODIFIED", "2", "a")
        assert [pod["metadata"]["name"] for pod in informer.on_node("a")] == ["p"]
        informer._on_event("DELETED", {"metadata": {"name": "p", "namespace": "n"}})  # a re-list knows no spec
        assert informer.on_node("a") == []


class TestObjects:
    def test_the_time_of_a_condition_moves_only_with_its_status(self) -> None:
        first = merge_conditions(None, [condition("Ready", False, "Wait")], "t1")
        same = merge_conditions(first, [condition("Ready", False, "StillWait")], "t2")
        other = merge_conditions(same, [condition("Ready", True, "Done")], "t3")
        assert [first[0]["lastTransitionTime"], same[0]["lastTransitionTime"], other[0]["lastTransitionTime"]] == ["t1", "t1", "t3"]
        assert same[0]["reason"] == "StillWait"

    def test_an_unknown_condition_says_so(self) -> None:
        assert condition("Ready", None)["status"] == "Unknown"

    def test_merge_patch_removes_with_null(self) -> None:
        assert merged({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}) == {"b": {"c": 2, "d": 3}}

    @pytest.mark.parametrize(
        ("selector", "labels", "expected"),
        [
            (None, {"a": "1"}, False),
            ({}, {}, True),
            ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
            ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
            ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
            ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
            ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
            ({"matchExpressions": [{"key": "a", "operator": "Unheard"}]}, {"a": "1"}, False),
        ],
    )
    def test_label_selectors(self, selector: Any, labels: dict[str, str], expected: bool) -> None:
        assert matches(selector, labels) is expected

    def test_node_terms_are_alternatives_and_none_means_all(self) -> None:
        node = {"metadata": {"name": "n", "labels": {"a": "5"}}}
        no = {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
        yes = {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["4"]}]}
        assert matches_node_terms(None, node)
        assert matches_node_terms({"nodeSelectorTerms": [no, yes]}, node)
        assert not matches_node_terms({"nodeSelectorTerms": [no]}, node)

    def test_tolerations(self) -> None:
        taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
        assert tolerated([{**taint, "effect": "PreferNoSchedule"}], None)
        assert not tolerated([taint], None)
        assert not tolerated([taint], [{"key": "k", "operator": "Equal", "value": "other", "effect": "NoSchedule"}])
        assert tolerated([taint], [{"operator": "Exists"}])
        assert tolerated([taint], [{"key": "k", "value": "v"}])


class TestStandIn:
    class Plain(StandIn):
        watches = [("v1", "Pod")]
        delays = {"build": 8.0}

    def test_nothing_is_applied_twice(self, world: Any) -> None:
        stand_in = world.run(self.Plain)
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": {"a": "1"}}
        stand_in.ensure(world.kube, config)
        stand_in.ensure(world.kube, config)
        assert world.kube.writes == ["apply ConfigMap c"]
        world.kube.delete(world.kube.path_of(config))
        stand_in.ensure(world.kube, config)
        assert world.kube.writes[-1] == "apply ConfigMap c"

    def test_a_status_that_says_nothing_new_makes_no_request(self, world: Any) -> None:
        stand_in = world.run(self.Plain)
        pod = world.pod("p", "n")
        assert stand_in.set_status(world.kube, pod, {"phase": "Failed"}, [condition("A", True)])
        again = world.kube.get(world.kube.path_of(pod))
        assert not stand_in.set_status(world.kube, again, {"phase": "Failed"}, [condition("A", True)])

    def test_the_same_event_is_counted(self, world: Any) -> None:
        stand_in = world.run(self.Plain)
        pod = world.pod("p", "n")
        stand_in.event(pod, "Warning", "Bad", "why")
        stand_in.event(pod, "Warning", "Bad", "why")
        (event,) = world.events("Bad")
        assert event["count"] == 2

    def test_delays_come_from_the_profile_first_and_are_divided_by_speed(self, world: Any) -> None:
        stand_in = world.run(self.Plain)
        assert stand_in.delay("build") == 8.0
        world.settings.data["profile"]["delays"] = {"build": 6.0}
        world.settings.data["speed"] = 2.0
        assert stand_in.delay("build") == 3.0

    def test_a_timer_starts_at_the_first_look(self, world: Any) -> None:
        stand_in = world.run(self.Plain)
        assert 7.5 < stand_in.remaining("build", "x") <= 8.0
        world.settings.data["profile"]["delays"] = {"build": 0.0}
        assert stand_in.remaining("build", "x") == 0.0

    def test_scope_follows_the_operator_group(self, world: Any) -> None:
        csv_object = {"metadata": {"name": "x.1", "namespace": "a", "annotations": {"olm.targetNamespaces": "a,b"}}}
        stand_in = world.run(self.Plain, csv_object)
        assert stand_in.in_scope({"metadata": {"name": "o", "namespace": "b"}})
        assert not stand_in.in_scope({"metadata": {"name": "o", "namespace": "c"}})
        assert stand_in.in_scope({"metadata": {"name": "cluster-wide"}})

    def test_soonest(self) -> None:
        assert soonest(None, 5.0, 2.0) == 2.0
        assert soonest(None, 0.0) is None


class TestSettings:
    def write(self, path: Path, **more: Any) -> Path:
        path.write_text(json.dumps({"profile": {}, "openshift": {}, "scenario": {}, "kubeconfig": "k", "state": "s", **more}))
        return path

    def test_a_fault_can_be_repaired_while_all_runs(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "settings.json", scenario={"gpu-driver-never-ready": {"node": "gpu-1"}})
        settings = Settings.load(path)
        assert settings.scenario == {"gpu-driver-never-ready": {"node": "gpu-1"}}
        time.sleep(0.01)
        self.write(path)
        assert settings.scenario == {}

    def test_a_half_written_file_changes_nothing(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "settings.json", scenario={"a": 1})
        settings = Settings.load(path)
        path.write_text('{"scenario"')
        assert settings.scenario == {"a": 1}

    @pytest.mark.parametrize("text", ["", "[]", '{"profile": {}}'])
    def test_unusable_settings_are_told_in_one_line(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "settings.json"
        path.write_text(text)
        with pytest.raises(RehearsalError, match="operators cannot start"):
            Settings.load(path)


def test_a_child_is_started_again_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.operators.children.BACKOFF_SECONDS", (0.05,))
    child = Child("c", ["/bin/sh", "-c", "echo once; exit 3"], {}, None, tmp_path / "c.log")
    child.start()
    deadline = time.monotonic() + 5
    while child.restarts < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.stop()
    assert child.restarts >= 2
    assert (tmp_path / "c.log").read_text().count("once") >= 2
    assert child.pid is None
