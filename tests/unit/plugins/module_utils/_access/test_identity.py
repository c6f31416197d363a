# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity guard and the environment guard."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._access.environment import refuse_winning, winning
from ansible_collections.llmd.openshift.plugins.module_utils._access.identity import WrongCluster, guard, same_url
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared

FOUND = {"id": "aaaa-1", "api_url": "https://api.one.example:6443", "name": "one-x"}
AT = "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("cluster_id", "url"),
    [("AAAA-1 ", None), (None, "https://API.one.example:6443/"), ("aaaa-1", "api.one.example:6443")],
)
def test_right_cluster(cluster_id, url):
    guard(FOUND, cluster_id, url, AT)


@pytest.mark.parametrize(
    ("cluster_id", "url"),
    [("bbbb-2", None), (None, "https://api.two.example:6443"), ("aaaa-1", "https://api.two.example:6443"),
     ("bbbb-2", "https://api.one.example:6443"), (None, "https://api.one.example")],
)  # fmt: skip
def test_another_cluster_is_refused_with_both_ids(cluster_id, url):
    with pytest.raises(WrongCluster) as caught:
        guard(FOUND, cluster_id, url, AT)
    text = str(caught.value)
    assert ("bbbb-2" in text and "aaaa-1" in text) or ("api.two" in text and "api.one" in text) or "6443" in text
    assert "Nothing was changed" in text and AT in text


def test_unreadable_identity_is_no_pass():
    with pytest.raises(WrongCluster, match="doesn't say its cluster id"):
        guard({"id": None, "api_url": None}, "aaaa-1", None, AT)


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_declared_tells_what_to_declare(nothing):
    with pytest.raises(Misdeclared, match="aaaa-1"):
        guard(FOUND, nothing, nothing, AT)


@pytest.mark.parametrize("url", ["", "https://", "https://x:notaport", "https://[::1"])
def test_odd_urls_are_different(url):
    assert not same_url(url, FOUND["api_url"])


def test_environment_that_would_win_is_named_but_not_its_value():
    environment = {
        "K8S_AUTH_HOST": "https://evil",
        "K8S_AUTH_API_KEY": "sekrit",
        "K8S_AUTH_CONTEXT": "",
        "PATH": "/bin",
    }
    assert winning(environment, {"kubeconfig": "/k"}) == ["K8S_AUTH_API_KEY", "K8S_AUTH_HOST"]
    with pytest.raises(Misdeclared) as caught:
        refuse_winning(environment, {"kubeconfig": "/k"})
    assert "K8S_AUTH_HOST" in str(caught.value) and "llmd_token" in str(caught.value)
    assert "sekrit" not in str(caught.value) and "evil" not in str(caught.value)


def test_declared_options_win_over_the_environment():
    refuse_winning({"K8S_AUTH_HOST": "x", "K8S_AUTH_API_KEY": "y"}, {"host": "h", "api_key": "k"})
    assert winning({"K8S_AUTH_VERIFY_SSL": "no"}, {"validate_certs": False}) == []
    assert winning({"K8S_AUTH_VERIFY_SSL": "no"}, {"validate_certs": None}) == ["K8S_AUTH_VERIFY_SSL"]
