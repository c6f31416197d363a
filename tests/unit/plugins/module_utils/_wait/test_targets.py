# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the list of awaited objects, and sets of objects."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import registry
from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import TargetError, parse
from ansible_collections.llmd.openshift.plugins.module_utils._watch.sources import pick, plan
from hypothesis import given
from hypothesis import strategies as st

NODE = {"api_version": "v1", "kind": "Node"}


def test_all_mistakes_at_once_with_the_nearest_word() -> None:
    with pytest.raises(TargetError) as caught:
        parse([{**NODE, "nme": "x", "until": "alocatable"}, {"kind": "Pod", "name": "p", "with": ["x"]}, "text"])
    text = "\n".join(caught.value.problems)
    for part in ("objects[0]: unknown key 'nme', did you mean 'name'?", "did you mean 'allocatable'?", "objects[1]: api_version",
                 "with: must be a mapping", "objects[2]: is str"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("item", "part"),
    [
        ({"until": "allocatable", "with": {"resource": "x"}}, "exactly one of at_least, equals"),
        ({"until": "allocatable", "with": {"equals": 1}}, "with.resource is missing"),
        ({"until": "condition", "with": {"type": "Ready", "statsu": "True"}}, "did you mean 'status'?"),
        ({"until": "field", "with": {"path": "a["}}, "can't be read"),
        ({"until": "labels", "with": {"labels": ["a"]}}, "must be a mapping of label"),
    ],
)
def test_options_are_checked(item: dict[str, Any], part: str) -> None:
    with pytest.raises(TargetError, match=part.replace("[", r"\[")):
        parse([{**NODE, "name": "n", **item}])


@pytest.mark.parametrize("raw", [None, {}, "x"])
def test_no_list(raw: Any) -> None:
    with pytest.raises(TargetError, match="a list of awaited objects"):
        parse(raw)


def test_an_empty_list_is_nothing_to_wait_for() -> None:
    assert parse([]) == []


def test_ready_is_not_existence() -> None:
    """A kind without a meaning of ready must not pass because it's there."""
    with pytest.raises(TargetError, match="known: absent, condition"):
        parse([{"api_version": "v1", "kind": "ConfigMap", "name": "c"}])


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=10
    )
)
def test_hostile_lists_never_crash(raw: Any) -> None:
    try:
        parse(raw)
    except TargetError as error:
        assert error.problems


def test_cluster_policy_stands_for_its_nodes_too() -> None:
    targets = parse(
        [{"api_version": "nvidia.com/v1", "kind": "ClusterPolicy", "name": "p", "with": {"nodes": {"a": 8, "b": 4}}}]
    )
    assert [t.key for t in targets] == [
        "ClusterPolicy p",
        "Node a (gpus nvidia.com/gpu)",
        "Node b (gpus nvidia.com/gpu)",
    ]
    seven = {"status": {"allocatable": {"nvidia.com/gpu": "7"}, "conditions": [{"type": "Ready", "status": "True"}]}}
    assert targets[1].judge(seven).reason == "TooFewGpus"


def test_node_feature_discovery_stands_for_labels() -> None:
    targets = parse([{"api_version": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "name": "x", "namespace": "n",
                      "with": {"nodes": ["a"]}}])  # fmt: skip
    assert targets[1].key == "Node a (labels)"


def test_a_set_needs_all_and_the_minimum() -> None:
    target = parse(
        [{"api_version": "v1", "kind": "Pod", "label_selector": "a=b", "namespace": "n", "with": {"minimum": 2}}]
    )[0]
    good = {
        "metadata": {"name": "g", "namespace": "n"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    slow = {"metadata": {"name": "s", "namespace": "n"}, "status": {"phase": "Pending"}}
    assert target.judge_all([]).phase == "waiting"
    assert target.judge_all([good]).phase == "waiting"
    assert target.judge_all([good, good]).phase == "done"
    assert target.judge_all([good, good, slow]).detail.startswith("2 of 3; Pod n/s Pending")
    bad = {"metadata": {"name": "b", "namespace": "n"}, "status": {"phase": "Failed"}}
    assert target.judge_all([good, bad]).culprit == "Pod n/b"


def test_an_absent_set_is_done_when_empty() -> None:
    target = parse([{"api_version": "v1", "kind": "Pod", "label_selector": "a=b", "until": "absent"}])[0]
    assert target.judge_all([]).phase == "done"
    assert target.judge_all([{"metadata": {"name": "x"}}]).phase == "waiting"


def test_missing_object_waits_but_absent_is_done() -> None:
    here, gone = parse([{**NODE, "name": "a"}, {**NODE, "name": "a", "until": "absent"}])
    assert here.judge(None).reason == "Missing" and gone.judge(None).phase == "done"


def test_many_objects_of_a_kind_share_one_watch() -> None:
    targets = parse(
        [{**NODE, "name": n} for n in "abc"] + [{"api_version": "v1", "kind": "Pod", "name": "p", "namespace": "n"}]
    )
    sources = plan(targets)
    assert len(set(sources.values())) == 2
    assert sources[targets[0]].field_selector is None and sources[targets[3]].field_selector == "metadata.name=p"
    objects = {"/a": {"metadata": {"name": "a"}}}
    assert pick(targets[0], objects) and not pick(targets[1], objects)


def test_custom_resource_definitions_are_watched_one_by_one() -> None:
    crds = [{"api_version": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": n} for n in "abcd"]
    assert len(set(plan(parse(crds)).values())) == 4


@pytest.mark.parametrize("kind", sorted(registry.BY_KIND))
def test_every_kinds_check_survives_an_empty_object(kind: str) -> None:
    for name, check in registry.BY_KIND[kind].items():
        options = {"resource": "x", "equals": 1, "resources": {"x": 1}} if name in ("allocatable", "gpus", "devices") else {}
        assert check.judge({}, options).phase == "waiting", f"{kind} {name} passes on an object without status"
