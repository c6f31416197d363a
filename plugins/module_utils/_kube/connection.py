# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From connection options to the settings of one connection.

Reads kubeconfig files itself, since importing the `kubernetes` package costs more CPU time than most of our
modules' whole work. User entries that need it (`exec`, `auth-provider`) are handed to that package by `_k8s.py`.

Nothing is taken from the environment, and nothing is guessed: without a kubeconfig, a context or a host there is no
connection. The in-cluster account and a forgotten `~/.kube/config` are never used silently.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared

DEFAULT_KUBECONFIG = "~/.kube/config"  # only used when a context of it is named


@dataclass(frozen=True)
class Connection:
    """Everything the transport needs. `repr` hides what is secret."""

    server: str
    token: str | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: str | None = None
    ca_pem: str | None = field(default=None, repr=False)
    cert_pem: str | None = field(default=None, repr=False)
    key_pem: str | None = field(default=None, repr=False)
    verify: bool = True
    tls_server_name: str | None = None
    proxy: str | None = None
    no_proxy: str | None = None
    proxy_headers: dict[str, Any] | None = field(default=None, repr=False)
    impersonate_user: str | None = None
    impersonate_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One context of a kubeconfig: its cluster and user parts, and the folder that relative paths start from."""

    source: str
    cluster: dict[str, Any]
    user: dict[str, Any]
    folder: str
    context: str

    @property
    def needs_plugin(self) -> bool:
        """Whether the user entry gets its credentials from a program or an identity provider."""
        return any(self.user.get(key) for key in ("exec", "auth-provider"))


def _wrong(why: str, todo: str, where: str = "connection options") -> Misdeclared:
    return Misdeclared("The connection to the cluster can't be made", where, why, todo)


def load_entry(params: dict[str, Any]) -> Entry | None:
    """The kubeconfig entry that the options name; None when they name a host without kubeconfig and context.

    :raises Misdeclared: no cluster named at all, file unreadable, context or its parts missing.
    """
    raw, context = params.get("kubeconfig"), params.get("context")
    if not raw and not context:
        if params.get("host"):
            return None
        raise _wrong(
            "neither kubeconfig, context nor host is given",
            "Declare llmd_kubeconfig (a path), or llmd_host with llmd_token. "
            "The default kubeconfig and the in-cluster account are never used by themselves.",
        )
    documents = [raw] if isinstance(raw, dict) else [_read(path) for path in _files(raw or DEFAULT_KUBECONFIG)]
    source = "the given kubeconfig" if isinstance(raw, dict) else str(raw or DEFAULT_KUBECONFIG)
    return _pick(documents, context, source)


def _files(raw: Any) -> list[str]:
    paths = [os.path.expanduser(part) for part in str(raw).split(os.pathsep) if part]
    present = [path for path in paths if os.path.exists(path)]
    if not present:
        raise _wrong("there is no such file", "Check the path in llmd_kubeconfig.", f"kubeconfig {raw}")
    return present


def _read(path: str) -> dict[str, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8") as stream:
            document = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise _wrong(error.strerror or str(error), "Make the file readable.", f"kubeconfig {path}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The parser's own text quotes the file, and the file holds secrets: only the line number is passed on.
        mark = getattr(error, "problem_mark", None)
        why = f"not YAML (line {mark.line + 1})" if mark else "not YAML"
        raise _wrong(why, "Repair the file.", f"kubeconfig {path}") from None
    if not isinstance(document, dict):
        raise _wrong("not a kubeconfig (no mapping at the top)", "Name a kubeconfig file.", f"kubeconfig {path}")
    return {**document, "_folder": os.path.dirname(os.path.abspath(path))}


def _pick(documents: list[dict[str, Any]], context: str | None, source: str) -> Entry:
    """As kubectl does with several files: the first that names something wins."""
    where = f"kubeconfig {source}" if not source.startswith("the ") else source
    wanted = context or next((doc["current-context"] for doc in documents if doc.get("current-context")), None)
    if not wanted:
        raise _wrong("it has no current-context", "Declare llmd_context.", where)
    found, _folder = _named(documents, "contexts", "context", wanted)
    if found is None:
        known = sorted(str(row.get("name")) for doc in documents for row in _rows(doc, "contexts"))
        raise _wrong(f"no context {wanted!r}", f"Known contexts: {', '.join(known) or 'none'}.", where)
    cluster, folder = _named(documents, "clusters", "cluster", found.get("cluster"))
    if not cluster or not cluster.get("server"):
        raise _wrong(f"context {wanted!r} has no cluster with a server", "Repair the kubeconfig.", where)
    user, user_folder = _named(documents, "users", "user", found.get("user"))
    user = {**(user or {}), "_folder": user_folder}
    return Entry(source=source, cluster=cluster, user=user, folder=folder, context=wanted)


def _rows(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = document.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _named(documents: list[dict[str, Any]], key: str, inner: str, name: Any) -> tuple[dict[str, Any] | None, str]:
    for document in documents:
        for row in _rows(document, key):
            if row.get("name") == name and isinstance(row.get(inner), dict):
                return row[inner], document.get("_folder", "")
    return None, ""


def from_entry(entry: Entry | None, params: dict[str, Any]) -> Connection:
    """The connection of a kubeconfig entry (None: of the host option), with explicit options on top.

    :raises Misdeclared: plain http to another machine, unreadable or undecodable certificate or token file.
    """
    cluster = entry.cluster if entry else {}
    user = entry.user if entry else {}
    folder = entry.folder if entry else ""
    explicit = params.get("validate_certs")
    password = (params.get("username") or user.get("username"), params.get("password") or user.get("password"))
    proxy_url = params.get("proxy") or cluster.get("proxy-url")
    return Connection(
        server=check_server(params.get("host") or cluster["server"]),
        token=params.get("api_key") or _token(user),
        basic=(str(password[0]), str(password[1])) if all(password) else None,
        ca_file=params.get("ca_cert") or None,
        ca_pem=None if params.get("ca_cert") else _pem(cluster, "certificate-authority", folder),
        cert_pem=_file(params.get("client_cert"), "") or _pem(user, "client-certificate", user.get("_folder", "")),
        key_pem=_file(params.get("client_key"), "") or _pem(user, "client-key", user.get("_folder", "")),
        verify=bool(explicit) if explicit is not None else not cluster.get("insecure-skip-tls-verify"),
        tls_server_name=cluster.get("tls-server-name"),
        proxy=proxy_url,
        no_proxy=params.get("no_proxy"),
        proxy_headers={k: v for k, v in (params.get("proxy_headers") or {}).items() if v} or None,
        impersonate_user=params.get("impersonate_user") or user.get("as"),
        impersonate_groups=tuple(params.get("impersonate_groups") or user.get("as-groups") or ()),
    )


def check_server(url: str) -> str:
    """The API URL without trailing slash; plain http only to this machine (`kubectl proxy`)."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        usable = parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("not an http(s) URL", "Declare llmd_host as https://api.<cluster>:6443.", f"API URL {url}")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise _wrong("plain http would send the token in clear", "Use https.", f"API URL {url}")
    if parts.username or parts.password:
        raise _wrong("it holds a user name or password", "Use llmd_token.", f"API URL on {parts.hostname}")
    return parts.geturl().rstrip("/")


def _token(user: dict[str, Any]) -> str | None:
    # A token file wins over a token, as in kubectl: the file is the one that gets renewed.
    if user.get("tokenFile"):
        return (_file(user["tokenFile"], user.get("_folder", "")) or "").strip() or None
    return str(user["token"]) if user.get("token") else None


def _pem(part: dict[str, Any], key: str, folder: str) -> str | None:
    data = part.get(f"{key}-data")
    if data:
        try:
            return base64.b64decode(data, validate=False).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError, TypeError):
            raise _wrong("not base64 of a PEM text", "Repair the kubeconfig.", f"kubeconfig field {key}-data") from None
    return _file(part.get(key), folder)


def _file(path: str | None, folder: str) -> str | None:
    if not path:
        return None
    full = os.path.join(folder, os.path.expanduser(path))
    try:
        with open(full, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file"
        raise _wrong(why, "Check the path.", f"file {full}") from None


def secrets_in(kubeconfig: Any) -> set[str]:
    """Secret strings of a kubeconfig that was given as a dict: what a module must hide in its output."""
    hidden = {
        "token",
        "password",
        "client-key-data",
        "client-certificate-data",
        "access-token",
        "refresh-token",
        "id-token",
    }
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in hidden and isinstance(inner, str) and inner:
                    found.add(inner)
                else:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(kubeconfig)
    return found
