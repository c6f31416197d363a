# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration: every error at once, the nearest right word, no secret ever shown."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD = {
    "llmd_kubeconfig": "/x",
    "llmd_cluster_id": "2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10",
    "llmd_model_uri": "hf://Qwen/Qwen2.5-7B-Instruct",
}


def run(more=None, stages=("serving",), without=()):
    data = facts()
    declared = {key: value for key, value in {**GOOD, **(more or {})}.items() if key not in without}
    return check(data.declaration, declared, data.releases, stages)


def errors_of(**more):
    return run(more)[1]


def test_defaults_are_filled_in():
    values, errors = run()
    assert errors == []
    assert (values["release"], values["path"], values["replicas"], values["auth"], values["allow_disruption"]) == (
        "3.3",
        "inference_scheduling",
        2,
        True,
        [],
    )
    assert values["model_name"] == "Qwen/Qwen2.5-7B-Instruct"


def test_defaults_are_copies():
    first, _ = run()
    first["vllm_args"].append("x")
    assert run()[0]["vllm_args"] == []


@pytest.mark.parametrize(
    ("uri", "name"),
    [("hf://a/b:main", "a/b"), ("oci://q.io/a/b:1", "llmd"), ("pvc://claim/x", "llmd"), ("s3://bucket/x", "llmd")],
)
def test_model_name_follows_from_the_uri(uri, name):
    assert run({"llmd_model_uri": uri})[0]["model_name"] == name


def test_model_name_loses_only_the_revision():
    assert run({"llmd_model_uri": "hf://a/b"})[0]["model_name"] == "a/b"


@pytest.mark.parametrize(
    ("option", "given_", "wanted"),
    [
        ("llmd_replicas", "3", 3), ("llmd_replicas", 3.0, 3), ("llmd_auth", "no", False), ("llmd_auth", "True", True),
        ("llmd_release", 3.3, "3.3"), ("llmd_cpu_per_replica", 8, "8"),
        ("llmd_allow_disruption", "driver,reboot", ["driver", "reboot"]), ("llmd_allow_disruption", '["drain"]', ["drain"]),
        ("llmd_node_selector", '{"a": "b"}', {"a": "b"}), ("llmd_storage_class", "", None), ("llmd_vllm_args", ("--a",), ["--a"]),
    ],
)  # fmt: skip
def test_values_as_people_and_surveys_give_them(option, given_, wanted):
    values, errors = run({option: given_})
    assert errors == [] and values[option.removeprefix("llmd_")] == wanted


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("llmd_relase", "3.3", "Did you mean llmd_release?"),
        ("llmd_path", "inference-scheduling", "Did you mean inference_scheduling?"),
        ("llmd_release", "3.1", "known are 2.25, 3.0, 3.2, 3.3"),
        ("llmd_release", True, "must be text"),
        ("llmd_replicas", 0, "must be from 1 to 1000"),
        ("llmd_replicas", True, "whole number"),
        ("llmd_replicas", "2x", "whole number"),
        ("llmd_replicas", "٣", "whole number"),
        ("llmd_auth", "maybe", "true or false"),
        ("llmd_model_uri", "hff://a/b", "Did you mean hf"),
        ("llmd_model_uri", "hf://noorg", "hf://org/model"),
        ("llmd_model_uri", "https://x/y", "must be one of"),
        ("llmd_model_uri", "s3://b/x y", "s3://bucket/path"),
        ("llmd_namespace", "Über", "namespace"),
        ("llmd_namespace", "a" * 64, "namespace"),
        ("llmd_service_name", "a" * 41, "at most 40"),
        ("llmd_cluster_id", "abc", "UUID"),
        ("llmd_api_url", "http://x:6443", "https://"),
        ("llmd_api_url", "https://x:99999", "URL"),
        ("llmd_memory_per_replica", "32 GB", "quantity"),
        ("llmd_memory_per_replica", "0", "above zero"),
        ("llmd_allow_disruption", ["rebot"], "Did you mean reboot?"),
        ("llmd_node_selector", {"a": True}, "quote true"),
        ("llmd_node_selector", ["a"], "mapping"),
        ("llmd_node_selector", {"bad key": "x"}, "label's name"),
        ("llmd_tolerations", [{"kye": "x"}], "Did you mean key"),
        ("llmd_tolerations", [{"key": "x", "effect": "NoSchedul"}], "known are NoSchedule"),
        ("llmd_nvme_paths", ["/dev/nvme1n1"], "by-path"),
        ("llmd_nvme_paths", ["../x"], "under /dev"),
        ("llmd_probe_image", "UPPER", "image"),
        ("llmd_operator_channels", {"x": 26.3}, "quote numbers"),
        ("llmd_waivers", [{"rule": "x"}], "lacks reason"),
        ("llmd_waivers", [{"rule": "x", "reason": "y", "owner": "z", "expires": "soon"}], "2027-03-31"),
        ("llmd_lora_adapters", [{"source": "hf://a/b"}], "element 0: name must be"),
        ("llmd_lora_adapters", [{"name": "a", "source": "s3://bucket/x"}], "source must have the form hf://org/model, or be a path below /mnt/models"),
        ("llmd_lora_adapters", [{"name": "a", "source": "/etc/passwd"}], "a path below /mnt/models"),
        ("llmd_lora_adapters", [{"name": "a", "source": "hf://a/b"}, {"name": "a", "source": "hf://a/c"}], "the name a is there twice"),
        ("llmd_lora_adapters", [{"name": "a", "source": "hf://a/b", "rank": 1024}], "rank must be a number from 1 to 512"),
        ("llmd_lora_adapters", [{"name": "a", "source": "hf://a/b", "size": 1}], "unknown key"),
        ("llmd_site_checks", [{"id": "x"}], "id must be site-"),
        ("llmd_site_checks", [{"id": "site-x", "severity": "bad"}], "fail or warn"),
        ("llmd_site_checks", [{"id": "site-x", "severity": "fail", "expected": 1, "remedy": "x", "expression": "a["}], "site-x'): expression isn't JMESPath"),
        ("llmd_site_checks", [{"id": "site-x", "severity": "fail", "remedy": "x", "expression": "a"}], "lacks expected"),
        ("llmd_allow_unsupported", True, "llmd_allow_unsupported_reason: must be given"),
        ("llmd_context", None, ""),
        ("llmd_host", "https://api:6443", "can't be given together with llmd_host"),
        ("llmd_token", "t", "needs llmd_host too"),
    ],
)  # fmt: skip
def test_what_is_refused_and_how(option, value, said):
    errors = errors_of(**{option: value})
    assert any(said in error for error in errors) or (said == "" and errors == [])


def test_all_errors_at_once():
    errors = errors_of(llmd_replicas="x", llmd_path="y", llmd_typo=1, llmd_auth="z")
    assert len(errors) == 4


@pytest.mark.parametrize(
    ("missing", "said"),
    [("llmd_kubeconfig", "or llmd_host"), ("llmd_cluster_id", "or llmd_api_url"), ("llmd_model_uri", "hf://org/model")],
)
def test_what_must_be_given(missing, said):
    _, errors = run(without=[missing])
    assert len(errors) == 1 and errors[0].startswith(missing) and said in errors[0]


def test_a_model_is_needed_only_to_serve_one():
    assert run(stages=["access", "assess"], without=["llmd_model_uri"])[1] == []


def test_secrets_are_neither_returned_nor_shown():
    values, errors = run({"llmd_host": "https://api:6443", "llmd_token": "sup3r"}, without=["llmd_kubeconfig"])
    assert errors == [] and "token" not in values and "sup3r" not in repr(values)
    _, errors = run({"llmd_host": "https://api:6443", "llmd_token": ["sup3r"]}, without=["llmd_kubeconfig"])
    assert errors and "sup3r" not in " ".join(errors)
    assert "sup3r" not in " ".join(errors_of(llmd_api_url="https://user:sup3r@api:6443"))


def test_facts_of_the_run_are_no_options_and_no_errors():
    assert run({"llmd_facts": {}, "llmd_stages": []})[1] == []


def test_hostile_text_is_shown_inert_and_short():
    errors = errors_of(llmd_namespace="\x1b[2J{{ lookup('pipe','x') }}<b>\n" * 50)
    assert len(errors) == 1 and len(errors[0]) < 300
    assert "\x1b" not in errors[0] and "\n" not in errors[0]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([option["name"] for option in facts().declaration["options"]]), ANY, max_size=6))
def test_any_input_gives_values_or_errors_and_never_an_exception(declared):
    data = facts()
    values, errors = check(data.declaration, declared, data.releases, ["serving"])
    assert errors or values["release"] in data.releases
