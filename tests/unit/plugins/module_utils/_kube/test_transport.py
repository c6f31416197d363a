# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on the wire, by a plain socket server: it answers what a test tells it, byte by byte. It is no API."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils import _errors
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC, Cluster

RESET = object()
SILENCE = object()


def http(status: int, body: Any = None, headers: str = "") -> bytes:
    data = json.dumps(body if body is not None else {"kind": "Status", "message": "told"}).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{headers}\r\n".encode() + data


class Wire:
    """Answers one connection after the other with the next entry of a script; the last entry stays."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _address = self._listener.accept()
            except OSError:
                return
            request = peer.recv(65536).decode("latin-1")
            self.seen.append(request)
            entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if entry is SILENCE:
                self._held.append(peer)
                continue
            if entry is RESET:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            else:
                peer.sendall(entry)
            peer.close()

    def close(self) -> None:
        self._listener.close()
        for peer in self._held:
            peer.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    server = Wire()
    yield server
    server.close()


def cluster(wire: Wire, deadline: float = 5, **params: Any) -> Cluster:
    return Cluster.connect({"host": wire.url, "api_key": "sekrit-token", "deadline_seconds": deadline, **params})


GOOD = http(200, {"kind": "Thing", "metadata": {"name": "x"}})
CALLS: dict[str, Callable[[Cluster], Any]] = {
    "get": lambda c: c.get("/x"),
    "create": lambda c: c.create("/x", {}),
    "replace": lambda c: c.replace("/x", {}),
    "patch": lambda c: c.patch("/x", {}),
    "delete": lambda c: c.delete("/x"),
    "apply": lambda c: c.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "fault",
    [http(429), http(429, headers="Retry-After: 1\r\n"), http(503), http(502), http(500), RESET, http(401)],
    ids=["429", "429+header", "503", "502", "500", "reset", "401"],
)
def test_one_passing_fault_is_survived_by_every_verb(wire: Wire, fault: Any, call: str):
    wire.script = [fault, GOOD]
    assert CALLS[call](cluster(wire))
    assert len(wire.seen) == 2


def test_overload_until_the_deadline(wire: Wire):
    wire.script = [http(429)]
    started = time.monotonic()
    with pytest.raises(_errors.Overloaded, match="HTTP 429: told") as caught:
        cluster(wire, deadline=1).get("/x")
    assert time.monotonic() - started < 3 and caught.value.details["attempts"] > 1


def test_retry_after_is_a_floor(wire: Wire):
    wire.script = [http(429, headers="Retry-After: 1\r\n"), GOOD]
    started = time.monotonic()
    cluster(wire).get("/x")
    assert time.monotonic() - started >= 1


def test_second_401_is_final_and_says_so_without_the_token(wire: Wire):
    wire.script = [http(401)]
    with pytest.raises(_errors.Unauthorized, match="fresh token") as caught:
        cluster(wire).get("/x")
    assert len(wire.seen) == 2
    assert "sekrit" not in str(caught.value) + str(caught.value.as_dict())


def test_renewed_token_is_read_after_a_401(wire: Wire, tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    user = {"tokenFile": str(token)}
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": wire.url}}],
        "users": [{"name": "u", "user": user}],
    }
    wire.script = [http(401), GOOD]
    connected = Cluster.connect({"kubeconfig": kubeconfig, "deadline_seconds": 5})
    token.write_text("new")
    connected.get("/x")
    assert ["Bearer old" in wire.seen[0], "Bearer new" in wire.seen[1]] == [True, True]


def test_hung_connection_costs_half_the_deadline(wire: Wire):
    wire.script = [SILENCE, GOOD]
    started = time.monotonic()
    assert cluster(wire, deadline=12).get("/x")
    assert time.monotonic() - started < 8


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(_errors.Unreachable, match="refused"):
        Cluster.connect({"host": f"https://127.0.0.1:{port}", "deadline_seconds": 0.5}).get("/x")


def test_cut_body_is_repeated(wire: Wire):
    wire.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", GOOD]
    assert cluster(wire).get("/x")


def test_not_an_api_server(wire: Wire):
    page = b"<html>login</html>"
    wire.script = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(page) + page]
    with pytest.raises(_errors.Unreachable, match="no API server"):
        cluster(wire).get("/x")
    wire.script = [http(302, headers="Location: http://127.0.0.1:1/\r\n")]
    with pytest.raises(_errors.Unreachable, match="redirects"):
        cluster(wire).get("/x")


def test_page_token_too_old_restarts_the_list_once(wire: Wire):
    first = http(
        200, {"kind": "XList", "metadata": {"continue": "t", "resourceVersion": "5"}, "items": [{"metadata": {}}]}
    )
    last = http(200, {"kind": "XList", "metadata": {}, "items": [{"metadata": {}}]})
    wire.script = [first, http(410), first, last]
    items, version = cluster(wire).list_versioned("/xs")
    assert len(items) == 2 and version == "5" and items[0]["kind"] == "X"
    wire.script = [http(410)]
    with pytest.raises(_errors.Gone):
        cluster(wire).list("/xs")


def test_list_of_an_unserved_kind(wire: Wire):
    wire.script = [http(404, {"message": "the server could not find the requested resource"})]
    with pytest.raises(_errors.KindMissing):
        cluster(wire).list("/xs")
    assert cluster(wire).get("/xs") is None


def events(*rows: dict, cut: bool = False) -> bytes:
    """A watch's answer, chunked as kube-apiserver sends it; `cut` ends it without the closing chunk."""
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines)
    end = b"" if cut else b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks + end


def event(kind: str, version: str) -> dict:
    return {"type": kind, "object": {"metadata": {"name": "x", "resourceVersion": version}}}


def test_watch_goes_on_after_a_cut_from_the_last_position(wire: Wire):
    wire.script = [
        events(event("ADDED", "6"), event("BOOKMARK", "9"), cut=True),
        http(503),
        events(event("MODIFIED", "10")),
        SILENCE,
    ]
    seen = []
    for kind, obj in cluster(wire).watch("/xs", "5", 4):
        seen.append((kind, obj["metadata"]["resourceVersion"]))
        if len(seen) == 2:
            break
    assert seen == [("ADDED", "6"), ("MODIFIED", "10")]
    assert "resourceVersion=5" in wire.seen[0] and "resourceVersion=9" in wire.seen[2]


def test_watch_position_too_old(wire: Wire):
    wire.script = [events({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})]
    with pytest.raises(_errors.Gone):
        list(cluster(wire).watch("/xs", "5", 2))


def test_watch_that_ends_at_once_does_not_spin(wire: Wire):
    wire.script = [events()]
    assert list(cluster(wire).watch("/xs", "5", 1.5)) == []
    assert len(wire.seen) < 10


def test_impersonation_headers_are_repeated(wire: Wire):
    wire.script = [GOOD]
    cluster(wire, impersonate_user="u", impersonate_groups=["a", "b"]).get("/x")
    assert "Impersonate-User: u" in wire.seen[0]
    assert wire.seen[0].count("Impersonate-Group: ") == 2


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A CONNECT proxy on loopback; the list holds the heads of the requests that it got."""
    heads: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the other direction ended first
            while data := source.recv(65536):
                target.sendall(data)
        target.close()

    def serve() -> None:
        while True:
            try:
                peer, _address = listener.accept()
            except OSError:
                return
            heads.append(peer.recv(65536).decode())
            host, port = heads[-1].split()[1].rsplit(":", 1)
            target = socket.create_connection((host, int(port)))
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pump, args=(peer, target), daemon=True).start()
            threading.Thread(target=pump, args=(target, peer), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
    listener.close()


def test_proxy_is_tunnelled_through_and_never_sees_the_token(wire: Wire, proxy: tuple[str, list[str]]):
    url, heads = proxy
    wire.script = [GOOD]
    login = {"proxy_basic_auth": "me:word", "basic_auth": None, "user_agent": "ua"}
    assert cluster(wire, proxy=url, proxy_headers=login).get("/x")
    assert heads[0].startswith("CONNECT 127.0.0.1:") and "Proxy-Authorization: Basic bWU6d29yZA==" in heads[0]
    assert "sekrit" not in heads[0] and "Bearer sekrit-token" in wire.seen[0]
    assert cluster(wire, proxy=url, no_proxy="127.0.0.1").get("/x") and len(heads) == 1


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1", "http://", "http://a:b"])
def test_unusable_proxy(wire: Wire, url: str):
    with pytest.raises(_errors.Misdeclared, match="llmd_proxy"):
        cluster(wire, proxy=url)


def test_connection_closed_while_idle_is_replaced(wire: Wire):
    wire.script = [GOOD.replace(b"Connection: close\r\n", b"")]  # promises to stay open, and closes
    connected = cluster(wire)
    for _time in range(3):
        assert connected.get("/x")
        time.sleep(0.05)
    assert len(wire.seen) == 3


def test_untrusted_certificate_is_final(tmp_path):
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _address = listener.accept()
                context.wrap_socket(peer, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(_errors.Unreachable, match="certificate isn't trusted"):
        Cluster.connect({"host": f"https://127.0.0.1:{listener.getsockname()[1]}", "deadline_seconds": 20}).get("/x")
    assert time.monotonic() - started < 5
    listener.close()


def test_options_are_kubernetes_cores():
    assert {"kubeconfig", "context", "host", "api_key", "validate_certs", "proxy", "impersonate_user"} <= set(AUTH_SPEC)
    assert AUTH_SPEC["api_key"]["no_log"] is True


def test_an_object_that_is_missing_is_told_from_a_kind_that_is_not_served(wire: Wire) -> None:
    status = {"kind": "Status", "reason": "NotFound", "message": 'things.x "t" not found', "details": {"name": "t", "kind": "things"}}
    wire.script = [http(404, status), http(404, {"kind": "Status", "message": "the server could not find the requested resource"})]
    cluster = Cluster.connect({"host": wire.url, "deadline_seconds": 1})
    path = cluster.path("nvidia.com/v1", "ClusterPolicy", name="t")
    assert cluster.find(path) is None and len(wire.seen) == 1  # the path cost no request
    with pytest.raises(_errors.KindMissing):
        cluster.find(path)


def test_the_servers_clock_is_read_from_its_last_answer(wire: Wire) -> None:
    wire.script = [http(200, {"kind": "X"}, "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n")]
    cluster = Cluster.connect({"host": wire.url, "deadline_seconds": 1})
    cluster.get("/x")
    assert 0 <= (cluster.server_time() - datetime(2026, 11, 24, 10, tzinfo=UTC)).total_seconds() < 5
    assert len(wire.seen) == 1
