# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options and kubeconfig files: what is used, what is refused, and that secrets don't show."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import (
    check_server,
    from_entry,
    load_entry,
    secrets_in,
)


def config(name: str = "one", **user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": f"{name}-c", "user": f"{name}-u"}}],
        "clusters": [{"name": f"{name}-c", "cluster": {"server": f"https://api.{name}.example:6443"}}],
        "users": [{"name": f"{name}-u", "user": user or {"token": "sekrit-token"}}],
    }


def connect(**params: Any) -> Any:
    return from_entry(load_entry(params), params)


def test_nothing_declared_is_refused_and_never_guessed(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(yaml.safe_dump(config()))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / ".kube/config"))
    monkeypatch.setenv("K8S_AUTH_HOST", "https://other.example:6443")
    for empty in ({}, {"kubeconfig": "", "context": "", "host": ""}):
        with pytest.raises(Misdeclared, match="neither kubeconfig, context nor host"):
            load_entry(empty)


def test_context_alone_names_an_entry_of_the_default_file(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(yaml.safe_dump(config()))
    assert connect(context="one").server == "https://api.one.example:6443"
    with pytest.raises(Misdeclared, match=r"no context 'two'.*Known contexts: one"):
        connect(context="two")


def test_file_and_dict_and_explicit_options(tmp_path):
    path = tmp_path / "kc"
    path.write_text(yaml.safe_dump(config()))
    assert connect(kubeconfig=str(path)).token == "sekrit-token"
    assert connect(kubeconfig=config()).token == "sekrit-token"
    on_top = connect(kubeconfig=config(), host="https://vpn.example", api_key="other", validate_certs=False)
    assert (on_top.server, on_top.token, on_top.verify) == ("https://vpn.example", "other", False)
    assert connect(kubeconfig=config()).verify is True


def test_several_files_first_one_wins(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(yaml.safe_dump(config(name)))
    both = os.pathsep.join(str(tmp_path / name) for name in ("missing", "one", "two"))
    assert connect(kubeconfig=both).server == "https://api.one.example:6443"
    assert connect(kubeconfig=both, context="two").server == "https://api.two.example:6443"


def test_relative_files_start_at_the_kubeconfig(tmp_path):
    (tmp_path / "tok").write_text("from-file\n")
    (tmp_path / "kc").write_text(yaml.safe_dump(config(tokenFile="tok", token="older")))
    assert connect(kubeconfig=str(tmp_path / "kc")).token == "from-file"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [sekrit-token", "not YAML"),
        ("- just\n- a list\n", "no mapping"),
        ("{}", "no current-context"),
        (yaml.safe_dump({**config(), "clusters": []}), "no cluster with a server"),
        (yaml.safe_dump({**config(), "contexts": "oops"}), "no context 'one'"),
    ],
)
def test_broken_kubeconfig_is_explained_without_its_content(tmp_path: Path, text: str, why: str):
    path = tmp_path / "kc"
    path.write_text(text)
    with pytest.raises(Misdeclared) as caught:
        connect(kubeconfig=str(path))
    assert why in str(caught.value) and str(path) in str(caught.value)
    assert "sekrit" not in str(caught.value) and "sekrit" not in str(caught.value.as_dict())


def test_missing_file_and_bad_certificate_data():
    with pytest.raises(Misdeclared, match="there is no such file"):
        connect(kubeconfig="/nonexistent/kc")
    broken = config(**{"client-certificate-data": "%%%", "client-key-data": base64.b64encode(b"\xff\xfe").decode()})
    with pytest.raises(Misdeclared, match="client-key-data"):
        connect(kubeconfig=broken)


@pytest.mark.parametrize(
    "url", ["http://api.example:6443", "ftp://x", "https://", "https://u:p@api.example", "https://[::1", "https://a:b"]
)
def test_unsafe_servers_are_refused(url: str):
    with pytest.raises(Misdeclared):
        check_server(url)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://api.example:6443/", "https://api.example:6443"),
        ("api.example", "https://api.example"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
    ],
)
def test_servers(url: str, server: str):
    assert check_server(url) == server


def test_secrets_dont_show():
    connection = connect(kubeconfig=config(token="sekrit-token", username="u", password="sekrit-word"))
    assert "sekrit" not in repr(connection)
    assert secrets_in(config(token="a", **{"client-key-data": "b"})) == {"a", "b"}
    assert secrets_in("/path") == set()


def test_exec_user_is_recognised():
    entry = load_entry({"kubeconfig": config(exec={"command": "login"})})
    assert entry is not None and entry.needs_plugin
