# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back-off, probes, phases and conditions: everything that depends on time, with the clock handed in."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubelet import probe_run
from rehearsal.kubelet.backoff import BackOff, PullBackOff
from rehearsal.kubelet.container import INIT, MAIN, SIDECAR, Container, image_id
from rehearsal.kubelet.faults import Faults
from rehearsal.kubelet.pod import duration
from rehearsal.kubelet.probes import Probe, Probes, ProbeSpec
from rehearsal.kubelet.status import phase_of, pod_status

POD: dict[str, Any] = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {}, "status": {}}


def test_back_off_begins_at_once_then_doubles_to_five_minutes() -> None:
    backoff, waits = BackOff(), []
    for _ in range(8):
        backoff.failed(1000.0, ran=1.0)
        waits.append(backoff.remaining(1000.0))
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_back_off_is_forgotten_after_ten_minutes_of_running() -> None:
    backoff = BackOff()
    for _ in range(4):
        backoff.failed(0.0, ran=1.0)
    backoff.failed(0.0, ran=601.0)
    assert backoff.remaining(0.0) == 0


def test_pulls_wait_after_the_first_failure() -> None:
    pull = PullBackOff()
    pull.failed(0.0)
    assert pull.until == 10.0
    pull.failed(10.0)
    assert pull.until == 30.0


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (19.6, "20s")])
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_probe_changes_its_mind_only_after_enough_results() -> None:
    probe = Probe(ProbeSpec.read("readiness", {"httpGet": {}, "failureThreshold": 2, "successThreshold": 2}), started=0.0)
    assert [probe.result(r) for r in (True, True, False, False, True)] == [False, True, False, True, False]
    assert probe.good is False


def test_a_liveness_failure_kills_only_after_its_threshold() -> None:
    probes = Probes({"livenessProbe": {"tcpSocket": {"port": 1}, "failureThreshold": 3}}, started=0.0)
    for _ in range(2):
        probes.all["liveness"].result(False)
    assert probes.dead() is None
    probes.all["liveness"].result(False)
    assert probes.dead() is probes.all["liveness"]


def test_nothing_else_is_probed_before_the_startup_probe_succeeded() -> None:
    probes = Probes({"startupProbe": {"exec": {}, "periodSeconds": 5}, "readinessProbe": {"exec": {}, "initialDelaySeconds": 30}}, started=100.0)
    assert [p.spec.kind for p in probes.due(100.0)] == ["startup"]
    assert not probes.started and not probes.ready
    probes.all["startup"].result(True)
    assert probes.started and probes.next_due() == 130.0
    assert [p.spec.kind for p in probes.due(130.0)] == ["readiness"]


def test_a_probe_isnt_begun_twice() -> None:
    probes = Probes({"readinessProbe": {"exec": {}, "periodSeconds": 1}}, started=0.0)
    probe = probes.due(0.0)[0]
    probe.begin(0.0)
    assert probes.due(50.0) == []
    probe.result(True)
    assert probes.due(50.0) == [probe]


def test_what_comes_back_with_a_saved_state_is_looked_at_every_second_and_its_failures_count_for_nothing() -> None:
    spec = {"readinessProbe": {"exec": {}, "initialDelaySeconds": 30}, "livenessProbe": {"exec": {}, "initialDelaySeconds": 5, "failureThreshold": 1}}
    probes = Probes(spec, started=0.0, eager=True)
    ready, alive = probes.all["readiness"], probes.all["liveness"]
    assert probes.due(0.0) == [ready] and alive.due == 5.0
    for now in range(4):
        ready.begin(float(now))
        assert ready.due == now + 1.0 and not ready.result(False)
    ready.begin(4.0)
    assert ready.result(True) and probes.ready
    ready.begin(5.0)
    assert ready.due == 15.0, "from now on as the pod asks for"
    alive.begin(5.0)
    assert alive.result(False) and probes.dead() is alive, "a liveness probe is never eager"


def test_a_container_that_doesnt_come_back_within_a_minute_is_an_ordinary_failure() -> None:
    startup = Probes({"startupProbe": {"exec": {}, "failureThreshold": 1}}, started=0.0, eager=True).all["startup"]
    startup.begin(59.0)
    assert not startup.result(False)
    startup.begin(60.0)
    assert startup.result(False) and startup.good is False


def test_without_probes_a_container_is_ready_when_it_runs() -> None:
    container = Container({"name": "c", "image": "i"}, MAIN, "python")
    container.begin(0.0, 5)
    assert container.ready and container.started


def make(kind: str = MAIN, **spec: Any) -> Container:
    return Container({"name": f"{kind}-1", "image": "registry/x:1", **spec}, kind, "python")


def test_a_crashing_container_shows_waiting_and_its_last_end() -> None:
    container = make()
    container.begin(0.0, 1)
    container.end(1.0, 3, "why")
    assert container.status()["state"]["terminated"]["exitCode"] == 3
    container.waiting = ("CrashLoopBackOff", "back-off 10s")
    status = container.status()
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert status["lastState"]["terminated"]["message"] == "why"


def test_image_ids_have_a_digest() -> None:
    assert image_id("a/b@sha256:12") == "a/b@sha256:12"
    assert image_id("r:5000/a/b:v1").startswith("r:5000/a/b@sha256:")


def ended(container: Container, code: int) -> Container:
    container.begin(0.0, 1)
    container.end(1.0, code, "")
    return container


@pytest.mark.parametrize(("codes", "policy", "phase"), [
    ((0, 0), "Never", "Succeeded"), ((0, 1), "Never", "Failed"), ((0, 1), "OnFailure", "Running"), ((0, 0), "OnFailure", "Succeeded"),
    ((0, 0), "Always", "Running"),
])
def test_phase_of_ended_containers(codes: tuple[int, ...], policy: str, phase: str) -> None:
    assert phase_of([ended(make(), code) for code in codes], True, policy) == phase


def test_a_failed_init_container_fails_a_pod_that_never_restarts() -> None:
    broken = [ended(make(INIT), 1), make()]
    assert phase_of(broken, False, "Never") == "Failed"
    assert phase_of(broken, False, "Always") == "Pending"


def report(containers: list[Container], **more: Any) -> dict[str, Any]:
    state = {"phase": "Running", "sandbox": True, "initialized": True, "pod_ip": "1.2.3.4", "host_ip": "h", "start_time": "s", "now": "NOW", **more}
    return pod_status(state.pop("pod", POD), containers, **state)


def conditions(status: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status["conditions"]}


def test_conditions_of_a_ready_and_of_an_unready_pod() -> None:
    container = make(readinessProbe={"tcpSocket": {"port": 1}})
    container.begin(0.0, 1)
    assert conditions(report([container]))["Ready"] == "False"
    assert container.probes
    container.probes.all["readiness"].result(True)
    assert conditions(report([container])) == {"PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True", "ContainersReady": "True"}


def test_other_parties_conditions_and_old_transition_times_are_kept() -> None:
    old = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "lastTransitionTime": "OLD"}]
    status = report([make()], pod={**POD, "status": {"conditions": old}})
    assert status["conditions"][0] == old[0]
    assert next(c for c in status["conditions"] if c["type"] == "Ready")["lastTransitionTime"] == "OLD"


def test_a_closed_readiness_gate_keeps_the_pod_unready() -> None:
    container = make()
    container.begin(0.0, 1)
    status = report([container], pod={**POD, "spec": {"readinessGates": [{"conditionType": "g"}]}})
    assert conditions(status)["Ready"] == "False" and conditions(status)["ContainersReady"] == "True"


def test_a_sidecar_counts_for_readiness_and_an_init_container_doesnt() -> None:
    main, sidecar, init = make(), make(SIDECAR, readinessProbe={"exec": {}}), ended(make(INIT), 0)
    for container in (main, sidecar):
        container.begin(0.0, 1)
    assert conditions(report([init, sidecar, main]))["Ready"] == "False"


def test_faults_strike_at_the_start_or_after_being_ready_and_can_be_repaired() -> None:
    scenario: dict[str, Any] = {"pods": [{"image": "registry/x", "action": "exit", "after_seconds": 10}], "image_pull_failures": ["bad"]}
    faults, container = Faults(lambda: scenario, speed=2.0), make()
    fault = faults.of_image("registry/x:1")
    assert fault and faults.seconds(fault, container, 0.0) is None  # not ready yet
    container.ready_at = 100.0
    assert faults.seconds(fault, container, 101.0) == 4.0
    container.faulted = True  # what died once dies at each start
    assert faults.seconds(fault, container, 0.0) == 0.0
    assert "unauthorized" in (faults.pull_failure("quay.io/bad:1") or "")
    assert faults.pull_failure("quay.io/good:1") is None
    scenario.clear()
    assert faults.of_image("registry/x:1") is None


def test_probe_ports_by_name_and_refused_connections() -> None:
    assert probe_run.port_number("web", {"ports": [{"name": "web", "containerPort": 81}]}) == 81
    assert probe_run.port_number("nope", {}) == 0
    good, text = probe_run.http_get({"path": "x"}, "127.0.0.1", 1, 1.0)
    assert not good and text == 'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused'
    assert probe_run.tcp("127.0.0.1", 1, 1.0) == (False, "dial tcp 127.0.0.1:1: connect: connection refused")
