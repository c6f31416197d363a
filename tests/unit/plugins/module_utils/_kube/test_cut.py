# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving lists out before parsing: the rest is as it was, whatever the texts hold."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._kube import cut
from hypothesis import given, settings
from hypothesis import strategies as st

KEYS = ("managedFields", "images")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def emptied(value: Any, keys: tuple[str, ...] = KEYS) -> Any:
    if isinstance(value, list):
        return [emptied(item, keys) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: [] if key in keys and isinstance(item, list) and item else emptied(item, keys) for key, item in value.items()}


def page(*images: str) -> dict[str, Any]:
    fields = [{"manager": "kubelet", "fieldsV1": {"f:status": {'k:{"type":"Ready"}': {".": {}}}}}]
    meta = {"name": "gpu-0", "managedFields": fields, "labels": {"a": "b"}}
    node = {"metadata": meta, "status": {"images": [{"names": [name], "sizeBytes": 5} for name in images], "nodeInfo": {"kernelVersion": "5"}}}
    return {"kind": "NodeList", "items": [node, copy.deepcopy(node)], "metadata": {"continue": "x"}}


def test_lists_are_left_out_and_the_rest_stays():
    whole = page("quay.io/a@sha256:1", "b:<none>")
    assert cut.parse(compact(whole), KEYS) == emptied(whole) and cut.parse(compact(whole)) == whole
    assert cut.parse(compact(whole), ["images"])["items"][0]["metadata"] == whole["items"][0]["metadata"]


@pytest.mark.parametrize("name", ["}]", '"}],"images":[{', '\\"}]', "a}]}", "}],", '{"images":[{"a":1}]}', "\\", 'x"'])
def test_texts_that_look_like_the_end(name):
    whole = page(name, "b")
    found = cut.parse(compact(whole), KEYS)
    assert found in (whole, emptied(whole), emptied(whole, ("managedFields",)))


@pytest.mark.parametrize("whole", [page(), {"images": "}]"}, {"images": [1, 2], "a": [{"b": 1}]}, {"a": '"images":[{"'}, [], "images"])
def test_other_shapes_stay(whole):
    assert cut.parse(compact(whole), ["images"]) == whole


def test_a_pretty_document_is_parsed_whole():
    whole = page("a")
    assert cut.parse(json.dumps(whole, indent=1).encode(), KEYS) == whole


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"images":[{'])
def test_what_is_no_json_is_an_error(raw):
    with pytest.raises(ValueError):
        cut.parse(raw, KEYS)


TEXTS = st.text(alphabet='ab"}]{[,:\\é', max_size=10)


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_any_text_gives_the_document_or_the_shorter_one(names, label):
    whole = page(*names)
    whole["items"][0]["metadata"]["labels"][label or "x"] = label
    assert cut.parse(compact(whole), KEYS) in (whole, emptied(whole), emptied(whole, ("managedFields",)), emptied(whole, ("images",)))
