# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services with presets of an earlier version: which moves, what it costs, who stays."""

from __future__ import annotations

from ansible_collections.llmd.openshift.plugins.module_utils._plan import pins
from ansible_collections.llmd.openshift.plugins.module_utils._serving import notes

TEMPLATE = "serving.kserve.io/config-llm-template"


def service(preset, namespace="llmd", name="llmd", replicas=2, scheduler=None):
    spec = {"replicas": replicas, "router": {"scheduler": {} if scheduler is None else scheduler}}
    status = {"annotations": {TEMPLATE: f"{preset}config-llm-template", "other": "x"}} if preset else {}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec, "status": status}


def test_a_service_moves_to_the_version_that_comes_and_others_stay():
    live = [service("v3-2-1-kserve-"), service("v3-2-0-kserve-", "team", "chat")]
    move = pins.move({}, live, "rhods-operator.3.3.6")
    assert (move.before, move.after, move.release, move.picker) == ("3.2.1", "3.3.6", True, False)
    assert "2 model servers of the service are replaced one after the other" in move.cost
    assert [(one.object, one.action) for one in move.around] == [("LLMInferenceService team/chat", "keep")]
    assert "its owner moves it" in move.around[0].why


def test_within_a_release_nobody_must_move():
    move = pins.move({}, [service("v3-3-0-kserve-", replicas=1)], "rhods-operator.3.3.6")
    assert not move.release and "llmd_allow_disruption: [upgrade]" in move.left and "only model server" in move.cost


def test_nothing_to_move():
    for live, csv in (
        ([service("v3-3-6-kserve-")], "rhods-operator.3.3.6"),
        ([service("")], "rhods-operator.3.3.6"),
        ([service("kserve-")], "rhods-operator.3.3.6"),
        ([], "rhods-operator.3.3.6"),
        ([service("v3-2-1-kserve-")], None),
        ([service("v3-2-1-kserve-", "team")], "rhods-operator.3.3.6"),
    ):
        assert pins.move({}, live, csv) is None


def test_the_picker_is_made_anew_where_releases_configure_it_otherwise():
    move = pins.move({}, [service("v3-3-6-kserve-")], "rhods-operator.3.4.3")
    assert move.picker and move.around[0].object == "Deployment llmd/llmd-kserve-router-scheduler"
    own = pins.move({}, [service("v3-3-6-kserve-", scheduler={"config": {"inline": {}}})], "rhods-operator.3.4.3")
    assert not own.picker


def test_notes_read_and_written():
    live = service("v3-2-1-kserve-")
    assert notes.moved(live, "v3-3-6-kserve-") == {TEMPLATE: "v3-3-6-kserve-config-llm-template"}
    assert notes.moved(live, "v3-2-1-kserve-") == {}
    controller = {"metadata": {"name": "kserve-controller-manager"}, "spec": {"template": {"spec": {"containers": [
        {"env": [{"name": notes.PREFIX_VARIABLE, "value": "v3-3-6-kserve-"}]}]}}}}  # fmt: skip
    assert notes.prefix([controller]) == "v3-3-6-kserve-" and notes.prefix([]) is None
