# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A served path is broken in one way after the other; each time the playbook diagnose names the cause, and the repair heals it."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli
from tests.integration.rehearsal.steps import one_cluster
from tests.integration.site.play import Result, Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

PLANTED = "hf_planted0123456789abcdefghijklmn"
SERVICE = ("llminferenceservice", "llmd", "-n", "llmd")


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A path that site has proven."""
    for rehearsal in one_cluster(request, f"diagnose-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        site = Site(rehearsal, tmp_path_factory.mktemp("diagnose"))
        done = site.run()
        assert done.rc == 0, done.output[-3000:]
        yield site


def diagnose(site: Site, **variables: Any) -> dict[str, Any]:
    """What the playbook finds."""
    result: Result = site.run(playbook="playbooks/diagnose.yml", **variables)
    assert result.rc == 0, result.output[-3000:]
    return result.report["diagnosis"]


def until(site: Site, cause: str, seconds: float = 120, **variables: Any) -> dict[str, Any]:
    """The diagnosis, once its cause (or one of what else was seen) is the wanted one: a break takes a while to show."""
    end = time.monotonic() + seconds
    while True:
        found = diagnose(site, **variables)
        seen = [row["id"] for row in [found["cause"], *found["also"]] if row]
        if seen[:1] == [cause]:
            assert found["cause"]["evidence"]
            assert found["cause"]["repair"]
            return found
        assert time.monotonic() < end, f"{cause} isn't the cause: {json.dumps(found, indent=1)[:4000]}"
        time.sleep(2)


def provoke(site: Site, scenario: str, verb: str = "provoke") -> None:
    done = rehearsal_cli(verb, "--name", site.rehearsal.name, "--scenario", scenario)
    assert done.returncode == 0, done.stdout + done.stderr


def healed(site: Site, seconds: float = 180) -> None:
    """The path is fine again, or the next break couldn't be told from this one."""
    end = time.monotonic() + seconds
    while (found := diagnose(site))["status"] != "fine":
        assert time.monotonic() < end, json.dumps(found, indent=1)[:4000]
        time.sleep(3)


def patch(site: Site, target: tuple[str, ...], change: Any, kind: str = "merge") -> None:
    site.rehearsal.kubectl("patch", *target, "--type", kind, "-p", json.dumps(change))


def test_a_path_in_order_is_fine(served: Site) -> None:
    found = diagnose(served)
    assert (found["status"], found["cause"], found["also"]) == ("fine", None, [])
    assert {hop["status"] for hop in found["hops"] if hop["hop"] in ("client", "gateway", "route", "picker", "service", "pods", "accelerator", "node")} == {"ok"}


def env(arguments: str) -> dict[str, Any]:
    """Other vLLM arguments; the list of containers is replaced as a whole by a merge."""
    return {"name": "VLLM_ADDITIONAL_ARGS", "value": arguments}


Break = Callable[[Site], None]
# A scenario, what makes it strike in a cluster that serves, and its name.
SCENARIOS: dict[str, tuple[tuple[str, ...], str]] = {
    "epp-dead": ((), "picker-down"),
    "catalog-down": ((), "catalog-down"),
    "token-without-access": (("delete", "pod", "-n", "llmd", "-l", "kserve.io/component=workload"), "model-no-access"),
    "driver-crash-loop": (
        ("delete", "pod", "-n", "nvidia-gpu-operator", "-l", "app.kubernetes.io/component=nvidia-driver", "--field-selector", "spec.nodeName=gpu-1"),
        "nouveau-loaded",
    ),
    "gateway-no-address": (
        ("delete", "svc", "-n", "openshift-ingress", "-l", "gateway.networking.k8s.io/gateway-name=openshift-ai-inference"),
        "gateway-no-address",
    ),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_named(served: Site, scenario: str) -> None:
    provoke(served, scenario)
    if SCENARIOS[scenario][0]:
        served.rehearsal.kubectl(*SCENARIOS[scenario][0])
    until(served, SCENARIOS[scenario][1])
    provoke(served, scenario, "repair")
    healed(served)


def container(site: Site) -> dict[str, Any]:
    return site.rehearsal.get(*SERVICE)["spec"]["template"]["containers"][0]


def with_container(site: Site, **change: Any) -> Callable[[], None]:
    """Changes the model servers' container; what is returned undoes it."""
    before = container(site)
    patch(site, SERVICE, {"spec": {"template": {"containers": [{**before, **change}]}}})
    return lambda: patch(site, SERVICE, {"spec": {"template": {"containers": [before]}}})


def limits(site: Site, **more: str) -> dict[str, Any]:
    found = container(site)["resources"]
    return {"resources": {side: {**found[side], **more} for side in ("limits", "requests")}}


CHANGES: dict[str, Callable[[Site], dict[str, Any]]] = {
    "unknown-argument": lambda site: {"env": [env("--no-such-flag=1")]},
    "pod-unschedulable": lambda site: limits(site, **{"nvidia.com/gpu": "64"}),
    "secret-missing": lambda site: {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "x"}}}]},
}


@pytest.mark.parametrize("cause", CHANGES)
def test_a_change_of_the_service_is_named(served: Site, cause: str) -> None:
    undo = with_container(served, **CHANGES[cause](served))
    until(served, cause)
    undo()
    healed(served)


def test_a_preset_that_is_not_there(served: Site) -> None:
    patch(served, SERVICE, {"spec": {"baseRefs": [{"name": "no-such-preset"}]}})
    until(served, "preset-missing")
    patch(served, SERVICE, [{"op": "remove", "path": "/spec/baseRefs"}], "json")
    healed(served)


def test_cordoned_nodes(served: Site) -> None:
    nodes = served.rehearsal.kubectl("get", "nodes", "-l", "nvidia.com/gpu.present=true", "-o", "name").split()
    served.rehearsal.kubectl("cordon", *nodes)
    until(served, "cordoned")
    served.rehearsal.kubectl("uncordon", *nodes)
    healed(served)


def test_a_gateway_that_takes_no_routes_from_the_namespace(served: Site) -> None:
    gateway = ("gateway", "openshift-ai-inference", "-n", "openshift-ingress")
    before = served.rehearsal.get(*gateway)["spec"]["listeners"]
    patch(served, gateway, {"spec": {"listeners": [{**one, "allowedRoutes": {"namespaces": {"from": "Same"}}} for one in before]}})
    until(served, "route-not-allowed")
    patch(served, gateway, {"spec": {"listeners": before}})
    healed(served)


def test_a_bundle_holds_the_evidence_and_no_planted_secret(served: Site, tmp_path: Path) -> None:
    served.rehearsal.kubectl("annotate", *SERVICE, f"team.example.com/note=key {PLANTED}")
    undo = with_container(served, env=[{"name": "HF_TOKEN", "value": "plain-looking-secret"}, env("--max-model-len=8192")])
    path = tmp_path / "deep" / "bundle.tar.gz"
    result = served.run(playbook="playbooks/diagnose.yml", llmd_bundle=str(path))
    assert result.rc == 0, result.output[-3000:]
    with tarfile.open(path) as archive:
        names = archive.getnames()
        whole = b"".join(file.read() for name in names if (file := archive.extractfile(name)))
    manifest = json.loads(whole[: whole.index(b"\n}\n") + 3])
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert manifest["blanked"] >= 2
    assert "Secrets" in manifest["never_read"]
    assert any(name.endswith("main.log") for name in names)
    for secret in (PLANTED, "plain-looking-secret"):
        assert secret.encode() not in whole
        assert secret not in result.output
        assert secret not in json.dumps(result.report)
    undo()
    served.rehearsal.kubectl("annotate", *SERVICE, "team.example.com/note-")


def test_a_service_that_is_not_there(served: Site) -> None:
    until(served, "service-missing", llmd_service_name="other")


def test_the_gateway_and_the_definition_of_its_policies_are_gone(served: Site) -> None:
    """The last of this file: the cluster isn't whole afterwards."""
    served.rehearsal.kubectl("delete", "gateway", "openshift-ai-inference", "-n", "openshift-ingress")
    until(served, "gateway-missing")
    served.rehearsal.kubectl("delete", "crd", "authpolicies.kuadrant.io")
    until(served, "auth-policy-crd-missing")
