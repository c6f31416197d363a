# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live service against the wanted one: equal ones change nothing, and what KServe can't do by an update is made anew."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._serving import change, render
from ansible_collections.llmd.openshift.plugins.module_utils._serving.wish import (
    DISAGGREGATION,
    OFFLOAD,
    SCHEDULING,
    WIDE,
)

from .wishes import PATHS, PRESETS, of_path, wish


@pytest.mark.parametrize("path", PATHS)
def test_a_second_run_finds_nothing_to_do(path: str) -> None:
    wanted = render.service(of_path(path))
    live = copy.deepcopy(wanted)
    live["metadata"]["uid"], live["spec"]["template"]["dnsPolicy"] = "u", "ClusterFirst"  # what a server adds
    assert change.differences(live, wanted) == [] and change.recreate(live, wanted) == ""


def test_a_quantity_may_be_written_otherwise() -> None:
    live = render.service(wish())
    live["spec"]["template"]["containers"][0]["resources"]["limits"]["memory"] = "32768Mi"
    assert change.differences(live, render.service(wish())) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicas": 3}, ["replicas is 2, 3 is wanted"]),
        ({"gpus_per_replica": 2}, ["nvidia.com/gpu is 1, 2 is wanted", "template.containers.main.env.VLLM_ADDITIONAL_ARGS is new"]),
        ({"vllm_args": ["--seed=1"]}, ["VLLM_ADDITIONAL_ARGS is new"]),
        ({"model_uri": "hf://a/b"}, ["model.uri is hf://Qwen", "model.name is Qwen"]),
    ],
)
def test_what_differs_is_named(options: dict, words: list[str]) -> None:
    found = change.differences(render.service(wish()), render.service(wish(**options)))
    for word in words:
        assert any(word in one for one in found), found


def test_pools_that_go_are_named() -> None:
    assert "prefill goes" in change.differences(render.service(of_path(DISAGGREGATION)), render.service(wish()))
    assert {"worker goes", "parallelism goes"} <= set(change.differences(render.service(of_path(WIDE)), render.service(wish())))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (SCHEDULING, DISAGGREGATION, "with and without prefill"),
        (DISAGGREGATION, SCHEDULING, "with and without prefill"),
        (SCHEDULING, WIDE, "it is 1, 2 is wanted"),
        (WIDE, OFFLOAD, "it is 2, 1 is wanted"),
        (WIDE, DISAGGREGATION, "it is 2, 1 is wanted"),
        (SCHEDULING, OFFLOAD, ""),
    ],
)
def test_from_path_to_path(before: str, after: str, why: str) -> None:
    found = change.recreate(render.service(of_path(before)), render.service(of_path(after)))
    assert why in found and bool(found) == bool(why)


def test_a_group_of_another_size_is_made_anew() -> None:
    assert "it is 2, 4 is wanted" in change.recreate(render.service(of_path(WIDE)), render.service(of_path(WIDE, group_nodes=4)))


def test_another_picker_configuration_is_made_anew() -> None:
    plain, precise = render.service(wish()), render.service(wish(prefix_routing="precise", presets=PRESETS))
    assert "another one is wanted" in change.recreate(precise, plain) and "another one is wanted" in change.recreate(plain, precise)
    assert change.recreate(precise, precise) == ""
    assert change.recreate(precise, render.sketch(wish(prefix_routing="precise"))) == "", "a plan doesn't know the presets"
