# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an apply may be left out, and each reason why it may not. The field notes are those that kube-apiserver 1.36 writes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._apply.settled import settled

US = "llmd-openshift"
WANTED = {
    "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
    "metadata": {"name": "g", "namespace": "n", "labels": {"a/b": "c"}},
    "spec": {"gatewayClassName": "x", "listeners": [{"name": "http", "port": 80, "allowedRoutes": {"from": "Same"}}], "tags": ["p", "q"],
             "extra": {}},
}  # fmt: skip
FIELDS = {
    "f:metadata": {"f:labels": {"f:a/b": {}}},
    "f:spec": {
        "f:gatewayClassName": {}, "f:tags": {'v:"p"': {}, 'v:"q"': {}}, "f:extra": {},
        "f:listeners": {'k:{"name":"http"}': {".": {}, "f:name": {}, "f:port": {}, "f:allowedRoutes": {}}},
    },
}  # fmt: skip


def live(**changes: Any) -> dict[str, Any]:
    note = {"manager": US, "operation": "Apply", "apiVersion": WANTED["apiVersion"], "fieldsV1": copy.deepcopy(FIELDS)}
    theirs = {"manager": "controller", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:status": {}}}
    obj = copy.deepcopy(WANTED)
    obj["metadata"].update(uid="1", resourceVersion="2", managedFields=[theirs, note])
    obj["metadata"]["labels"]["theirs"] = "1"
    obj["spec"]["listeners"].insert(0, {"name": "theirs", "port": 1})
    obj["spec"].update(defaulted=True, extra={"by": "somebody"}, tags=["theirs", "q", "p"])
    obj["status"] = {"ready": True}
    return obj


def test_nothing_to_do_though_others_have_fields_of_their_own() -> None:
    assert settled(WANTED, live(), US)


@pytest.mark.parametrize(
    "change",
    [
        lambda obj, note: obj["spec"].update(gatewayClassName="y"),
        lambda obj, note: obj["spec"]["listeners"][1].update(port=81),
        lambda obj, note: obj["spec"]["listeners"].pop(1),
        lambda obj, note: obj["spec"].update(tags=["p"]),
        lambda obj, note: obj["spec"].pop("extra"),
        lambda obj, note: note["fieldsV1"]["f:spec"].update({"f:more": {}}),  # we owned more than is declared now
        lambda obj, note: note["fieldsV1"]["f:spec"].pop("f:gatewayClassName"),  # somebody took it from us
        lambda obj, note: note["fieldsV1"]["f:spec"]["f:listeners"].update({'k:{"name":"old"}': {".": {}}}),
        lambda obj, note: note["fieldsV1"]["f:spec"].update({"f:tags": {"i:0": {}, "i:1": {}}}),
        lambda obj, note: note["fieldsV1"]["f:spec"].update({"f:tags": {"v:broken": {}, 'v:"q"': {}}}),
        lambda obj, note: note.update(apiVersion="gateway.networking.k8s.io/v1beta1"),
        lambda obj, note: note.update(subresource="status"),
        lambda obj, note: note.update(manager="kubectl"),
        lambda obj, note: note.update(operation="Update"),
        lambda obj, note: note.pop("fieldsV1"),
        lambda obj, note: obj["metadata"]["managedFields"].append(copy.deepcopy(note)),
        lambda obj, note: obj["metadata"].pop("managedFields"),
    ],
)
def test_an_apply_that_may_change_something_is_sent(change: Any) -> None:
    obj = live()
    change(obj, obj["metadata"]["managedFields"][1])
    assert not settled(WANTED, obj, US)


def test_a_changed_declaration_is_sent() -> None:
    for change in ({"gatewayClassName": "y"}, {"new": 1}, {"listeners": []}, {"tags": ["p", "r"]}):
        assert not settled({**WANTED, "spec": {**WANTED["spec"], **change}}, live(), US)


def test_true_is_not_one() -> None:
    note = {"manager": US, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}
    obj = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "managedFields": [note]}, "data": {"a": True}}
    wanted = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}}
    assert settled({**wanted, "data": {"a": True}}, obj, US) and not settled({**wanted, "data": {"a": 1}}, obj, US)
