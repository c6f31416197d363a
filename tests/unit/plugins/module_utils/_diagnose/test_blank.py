# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets never leave: planted in every shape and place, found in none."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._diagnose import bundle
from ansible_collections.llmd.openshift.plugins.module_utils._diagnose.blank import BLANK, Blanker
from hypothesis import given
from hypothesis import strategies as st

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"
HF = "hf_abcdefghijklmnopqrstuvwxyz012345"
SECRETS = [JWT, HF, "sha256~AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwxyz0123"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["{}", "token {} was refused", "url https://x/?t={}&a=1", '{{"k": "{}"}}', "a\n{}\nb"])
def test_a_token_of_known_shape_goes_wherever_it_stands(secret: str, text: str) -> None:
    blank = Blanker()
    assert secret not in blank(text.format(secret))
    assert blank.count == 1


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer opaque-value-1", "opaque-value-1"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("vllm serve --api-key sk-something", "sk-something"),
        ("AWS_SECRET_ACCESS_KEY=abc/def+ghi123", "abc/def+ghi123"),
        ('"password": "correct-horse"', "correct-horse"),
        ("https://user:pa55word@proxy.example.com:3128", "pa55word"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ],
)
def test_what_follows_a_telling_word_goes(text: str, secret: str) -> None:
    assert secret not in Blanker()(text)


@pytest.mark.parametrize("name", ["HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "API_KEY", "huggingFaceToken"])
def test_environment_variables_by_their_name(name: str) -> None:
    blank = Blanker()
    assert blank([{"name": name, "value": "plain-looking"}]) == [{"name": name, "value": BLANK}]
    assert blank.count == 1


def test_values_by_their_key() -> None:
    assert Blanker()({"password": "x-y-z", ".dockerconfigjson": "e30="}) == {"password": BLANK, ".dockerconfigjson": BLANK}


@pytest.mark.parametrize(
    "harmless",
    [
        {"secretName": "model-token"},
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}},
        {"name": "VLLM_ADDITIONAL_ARGS", "value": "--max-num-batched-tokens 8192"},
        {"automountServiceAccountToken": False, "usage": {"prompt_tokens": 12, "completion_tokens": 8}},
        {"reason": "SecretNotFound", "message": 'secret "hf-token" not found'},
        {"image": "registry.example.com/vllm@sha256:" + "a" * 64},
    ],
)
def test_what_explains_and_tells_nothing_stays(harmless: dict[str, Any]) -> None:
    blank = Blanker()
    assert blank(harmless) == harmless
    assert blank.count == 0


def test_the_runs_own_token_goes_whatever_it_looks_like() -> None:
    assert Blanker(["my own token"])("error near my own token!") == f"error near {BLANK}!"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=12))
def test_blanking_twice_is_blanking_once_and_keeps_the_shape(value: Any) -> None:
    once = Blanker()(value)
    assert Blanker()(once) == once
    json.dumps(once)


def test_no_planted_secret_is_in_a_bundle_and_its_bytes_are_stable() -> None:
    blank = Blanker()
    planted = {"metadata": {"annotations": {"note": f"key {HF}"}}, "spec": {"env": [{"name": "HF_TOKEN", "value": "plain"}]}, "kind": "Pod"}
    evidence = blank({"objects": {"Pod": [planted]}, "pods": [planted], "events": [{"message": JWT}],
                      "logs": [{"namespace": "n", "pod": "p", "container": "c", "previous": False, "text": f"Bearer {JWT}"}]})  # fmt: skip
    made = bundle.pack(evidence, {"status": "fine"}, blank.count, "2026-11-30T00:00:00Z")
    assert made.data == bundle.pack(evidence, {"status": "fine"}, blank.count, "2026-11-30T00:00:00Z").data
    with tarfile.open(fileobj=io.BytesIO(made.data)) as archive:
        names = archive.getnames()
        whole = b"".join(file.read() for name in names if (file := archive.extractfile(name)))
    assert names[0] == "llmd-bundle/manifest.json"
    assert "llmd-bundle/logs/n/p/c.log" in names
    for secret in (HF, JWT, "plain"):
        assert secret.encode() not in whole
    assert made.manifest["blanked"] == blank.count >= 6
    assert made.manifest["never_read"] == ["Secrets"]
