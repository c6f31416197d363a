# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment, command line and service variables of containers."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubelet.env import (
    ConfigError,
    command_line,
    environment,
    expand,
    field,
    resource_field,
    service_environment,
)
from rehearsal.kubelet.quantity import as_units, parse

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "x", "b": 'q"'}, "annotations": {}},
    "spec": {"nodeName": "gpu-0", "containers": [{"name": "c", "resources": {"limits": {"cpu": "1500m", "memory": "2Gi"}}}]},
}


@pytest.mark.parametrize(("text", "result"), [
    ("$(A)-$(B)", "1-2"), ("$(NOPE)", "$(NOPE)"), ("$$(A)", "$(A)"), ("$$$$", "$$"), ("$A ${A}", "$A ${A}"), ("", ""),
    ("a$(A", "a$(A"), ("$()", "$()"), ("$$(ls -A /models)", "$(ls -A /models)"),
])
def test_expand(text: str, result: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == result


def test_command_replaces_the_entrypoint_but_not_the_args() -> None:
    assert command_line({"args": ["$(X)"]}, {"X": "1"}, ["/entry"]) == ["/entry", "1"]
    assert command_line({"command": ["sh"], "args": ["-c"]}, {}, ["/entry"]) == ["sh", "-c"]


def env_of(container: dict[str, Any], data: dict[tuple[str, str], dict[str, str]] | None = None) -> dict[str, str]:
    known = data or {}
    return environment(container, {"BASE": "0"}, lambda kind, name: known.get((kind, name)), "ns",
                       lambda path: field(POD, path, "10.0.0.1", "10.0.0.2"), lambda ref: resource_field(POD, POD["spec"]["containers"][0], ref, {"cpu": "4"}))


def test_later_variables_see_earlier_ones_and_win() -> None:
    env = env_of({"envFrom": [{"configMapRef": {"name": "cm"}, "prefix": "P_"}], "env": [
        {"name": "A", "value": "$(P_K)/$(BASE)"}, {"name": "A", "value": "$(A)!"},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "OPT", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k", "optional": True}}},
    ]}, {("configmap", "cm"): {"K": "v"}})
    assert env == {"BASE": "0", "P_K": "v", "A": "v/0!", "IP": "10.0.0.2", "L": "x", "CPU": "2", "MEM": "2048"}


@pytest.mark.parametrize(("entry", "words"), [
    ({"secretKeyRef": {"name": "s", "key": "k"}}, 'secret "s" not found'),
    ({"secretKeyRef": {"name": "t", "key": "k"}}, "couldn't find key k in Secret ns/t"),
    ({"configMapKeyRef": {"name": "c", "key": "k"}}, 'configmap "c" not found'),
    ({"fieldRef": {"fieldPath": "spec.nonsense"}}, "fieldPath spec.nonsense is not supported"),
    ({"fileKeyRef": {}}, "no source known here"),
])
def test_missing_things_have_the_kubelets_words(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        env_of({"env": [{"name": "X", "valueFrom": entry}]}, {("secret", "t"): {}})


def test_missing_env_from_is_an_error_unless_optional() -> None:
    with pytest.raises(ConfigError, match='secret "s" not found'):
        env_of({"envFrom": [{"secretRef": {"name": "s"}}]})
    assert env_of({"envFrom": [{"secretRef": {"name": "s", "optional": True}}]}) == {"BASE": "0"}


def test_all_labels_are_quoted() -> None:
    assert field(POD, "metadata.labels", "", "") == 'app="x"\nb="q\\""'


def test_a_missing_limit_is_what_the_node_has() -> None:
    assert resource_field(POD, {}, {"resource": "limits.cpu"}, {"cpu": "4"}) == "4"
    assert resource_field(POD, {}, {"resource": "requests.cpu"}, {"cpu": "4"}) == "0"
    assert resource_field(POD, {}, {"resource": "limits.memory", "containerName": "c"}, {}) == str(2 * 2**30)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("500m", 0.5), ("2Ki", 2048), ("1e3", 1000), ("1.5G", 1.5e9), ("100n", 1e-7)])
def test_quantities(text: str, value: float) -> None:
    assert float(parse(text)) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "1KiB", "abc", "--1", "1 Gi", "1mi"])
def test_bad_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


def test_units_round_up() -> None:
    assert as_units("1500m", parse("1")) == 2


def test_service_variables_and_the_trap_of_a_service_called_vllm() -> None:
    services = [
        {"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443, "name": "https"}]}},
        {"metadata": {"name": "vllm", "namespace": "ns"}, "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 8000}]}},
        {"metadata": {"name": "headless", "namespace": "ns"}, "spec": {"clusterIP": "None"}},
        {"metadata": {"name": "other", "namespace": "elsewhere"}, "spec": {"clusterIP": "10.96.0.8"}},
    ]
    env = service_environment(services, "ns", links=True)
    assert env["VLLM_PORT"] == "tcp://10.96.0.9:8000"
    assert env["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"
    assert not any(key.startswith(("HEADLESS", "OTHER")) for key in env)
    assert "VLLM_PORT" not in service_environment(services, "ns", links=False)
