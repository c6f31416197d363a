# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal's state by name: saved while it runs, and started again elsewhere with all that it held."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli
from tests.integration.rehearsal.looks import apply, subscribe, wait_for

pytestmark = pytest.mark.rehearsal

NFD = "nfd.4.20.0-202602101230"
CLIENT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "namespace": "default"}, "spec": {"containers": [
    {"name": "main", "image": "", "command": ["sh", "-c", "echo started; sleep 3600"]}]}}


def with_an_operator(one: Any) -> None:
    """NFD installed, and a real pod that runs."""
    subscribe(one, "openshift-nfd", "nfd", "stable", group={"targetNamespaces": ["openshift-nfd"]})
    image = one.get("imagestream", "tools", "-n", "openshift")["spec"]["tags"][0]["from"]["name"]
    CLIENT["spec"]["containers"][0]["image"] = image
    # As on any cluster: a namespace's ServiceAccount comes a moment after the namespace.
    wait_for(lambda: one.get("serviceaccount", "default", "-n", "default"), 60)
    apply(one, CLIENT)
    wait_for(lambda: one.get("csv", NFD, "-n", "openshift-nfd")["status"].get("phase") == "Succeeded", 240)
    wait_for(lambda: "started" in one.kubectl("logs", "client"), 60)


def test_a_saved_state_comes_back_whole(new_rehearsal: Callable[..., Any]) -> None:
    state = f"test-{uuid.uuid4().hex[:8]}"
    one = new_rehearsal("--profile", "cpu-only", "--speed", "20")
    with_an_operator(one)
    token = one.kubectl("create", "token", "default").strip()
    uid = one.get("csv", NFD, "-n", "openshift-nfd")["metadata"]["uid"]
    address = one.get("pod", "client")["status"]["podIP"]
    assert rehearsal_cli("save", "--name", one.name, "--as", state).returncode == 0
    assert json.loads(rehearsal_cli("status", "--name", one.name, "--json").stdout)["state"] == "ready", "it goes on"
    assert rehearsal_cli("down", "--name", one.name).returncode == 0
    try:
        other = new_rehearsal("--from-saved", state)
        assert other.status["profile"] == "cpu-only" and other.status["speed"] == 20
        assert other.status["cluster_id"] != one.status["cluster_id"]
        assert other.get("clusterversion", "version")["spec"]["clusterID"] == other.status["cluster_id"]
        csv = other.get("csv", NFD, "-n", "openshift-nfd")
        assert (csv["metadata"]["uid"], csv["status"]["phase"]) == (uid, "Succeeded")

        pod = wait_for(lambda: (p := other.get("pod", "client")) and p["status"]["containerStatuses"][0].get("ready") and p)
        assert pod["status"]["podIP"] == address and "started" in other.kubectl("logs", "client")
        seen = other.kubectl("auth", "whoami", "--token", token, "-o", "json", check=False)
        assert "system:serviceaccount:default:default" in seen, "tokens of ServiceAccounts stay good"

        other.kubectl("label", "node", "worker-0", "rack=7")
        done = rehearsal_cli("restore", "--name", other.name, "--from", state)
        assert done.returncode == 0, done.stderr
        again = json.loads(rehearsal_cli("status", "--name", other.name, "--json").stdout)
        assert again["state"] == "ready"
        assert "rack" not in other.get("node", "worker-0")["metadata"]["labels"]
    finally:
        rehearsal_cli("saved", "--drop", state)


def test_tests_start_from_operators_installed(from_saved: Callable[..., Any]) -> None:
    one = from_saved("nfd-installed", with_an_operator, "--profile", "cpu-only", "--speed", "20")
    wait_for(lambda: one.get("csv", NFD, "-n", "openshift-nfd")["status"].get("phase") == "Succeeded")
