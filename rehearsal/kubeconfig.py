# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says about its current context: server, TLS, token."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

import yaml

Obj = dict[str, Any]


def read(path: str | Path) -> tuple[str, ssl.SSLContext | None, str | None]:
    """(server, TLS context with the user's certificate if any, bearer token). Raises OSError or KeyError when unusable."""
    config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    return cluster["server"], _ssl_context(cluster, user), user.get("token")


def _named(entries: list[Obj], name: str) -> Obj:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(f"no '{name}' in the kubeconfig")


def _ssl_context(cluster: Obj, user: Obj) -> ssl.SSLContext | None:
    if not cluster["server"].startswith("https:"):
        return None
    if cluster.get("insecure-skip-tls-verify"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif cluster.get("certificate-authority-data"):
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    else:
        context = ssl.create_default_context(cafile=cluster.get("certificate-authority"))
    if user.get("client-certificate-data"):
        _load_pair(context, user["client-certificate-data"], user["client-key-data"])
    elif user.get("client-certificate"):
        context.load_cert_chain(user["client-certificate"], user["client-key"])
    return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """The ssl module reads a key only from a file: give it one for a moment."""
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(base64.b64decode(certificate) + b"\n" + base64.b64decode(key))
        context.load_cert_chain(name)
    finally:
        os.unlink(name)
