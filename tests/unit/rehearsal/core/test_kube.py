# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST client against a small HTTP server that plays an API server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rehearsal.kube import Conflict, Kube, KubeError, NotFound

Answer = tuple[int, dict[str, str], Any]


class Api:
    """Answers by a list of functions per "VERB path"; each call takes the next, the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Callable[[str], Answer]]] = {}
        self.seen: list[tuple[str, str, Any]] = []
        self.release = threading.Event()

    def on(self, key: str, *answers: Answer | Callable[[str], Answer]) -> None:
        self.answers[key] = [(lambda _query, a=a: a) if isinstance(a, tuple) else a for a in answers]

    def answer(self, verb: str, target: str, body: Any) -> Answer:
        path, _, query = target.partition("?")
        self.seen.append((verb, target, body))
        key = f"{verb} {path}?watch" if "watch=true" in query else f"{verb} {path}"
        queue = self.answers.get(key)
        if not queue:
            return 404, {}, {"kind": "Status", "reason": "NotFound", "message": "not here", "code": 404}
        return (queue.pop(0) if len(queue) > 1 else queue[0])(query)


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, headers, answer = api.answer(self.command, self.path, body)
            if callable(answer):
                self.send_response(status)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in answer():
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
                return
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    api.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield api
    api.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def kube(api: Api) -> Kube:
    return Kube(api.url, None, "a-token", "tester")  # type: ignore[attr-defined]


def pod(name: str, version: str = "1", uid: str = "u") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": version, "uid": uid}}


def page(*items: dict[str, Any], token: str = "", version: str = "10") -> Answer:
    meta = {"resourceVersion": version, **({"continue": token} if token else {})}
    return 200, {}, {"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": list(items)}


def status(code: int, reason: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return code, named, {"kind": "Status", "reason": reason, "message": f"because {reason}", "code": code}


def test_get_returns_none_only_for_404(api: Api, kube: Kube) -> None:
    assert kube.get("/api/v1/nodes/a") is None
    api.on("GET /api/v1/nodes/a", status(403, "Forbidden"))
    with pytest.raises(KubeError) as error:
        kube.get("/api/v1/nodes/a")
    assert (error.value.status, error.value.reason) == (403, "Forbidden")


def test_list_reads_all_pages_and_names_the_kind(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/pods", page(pod("a"), token="more"), page(pod("b")))
    items = kube.list("/api/v1/pods", label_selector="x=y")
    assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in items] == [
        ("Pod", "v1", "a"),
        ("Pod", "v1", "b"),
    ]
    assert "continue=more" in api.seen[1][1]
    assert "labelSelector=x%3Dy" in api.seen[1][1]


def test_conflict_and_not_found_have_their_own_types(api: Api, kube: Kube) -> None:
    api.on("POST /api/v1/nodes", status(409, "AlreadyExists"))
    with pytest.raises(Conflict):
        kube.create("/api/v1/nodes", {})
    with pytest.raises(NotFound):
        kube.patch("/api/v1/nodes/a", {})
    assert kube.delete("/api/v1/nodes/a") is None


def test_429_is_tried_again_but_500_is_told(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/nodes/a", status(429, "TooManyRequests", Retry_After="0"), (200, {}, {"kind": "Node"}))
    assert kube.get("/api/v1/nodes/a") == {"kind": "Node"}
    api.on("GET /api/v1/nodes/b", status(500, "InternalError"))
    with pytest.raises(KubeError):
        kube.get("/api/v1/nodes/b")
    assert sum("nodes/b" in target for _, target, _ in api.seen) == 1


def test_refused_connection_is_an_error_of_status_0() -> None:
    kube = Kube("http://127.0.0.1:9", None, None, "tester")
    with pytest.raises(KubeError) as error:
        kube.create("/api/v1/nodes", {})
    assert error.value.status == 0


def test_apply_finds_the_path_by_discovery_and_names_the_manager(api: Api, kube: Kube) -> None:
    table = [
        {"name": "widgets", "kind": "Widget", "namespaced": True},
        {"name": "widgets/status", "kind": "Widget", "namespaced": True},
    ]
    api.on("GET /apis/example.com/v1", (200, {}, {"resources": table}))
    api.on("PATCH /apis/example.com/v1/namespaces/ns/widgets/w", (200, {}, {}))
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "ns"}}
    kube.apply(widget, manager="me", force=False)
    kube.apply(widget)
    patches = [target for verb, target, _ in api.seen if verb == "PATCH"]
    assert "fieldManager=me" in patches[0] and "force=false" in patches[0]
    assert "fieldManager=tester" in patches[1] and "force=true" in patches[1]
    assert sum(verb == "GET" for verb, _, _ in api.seen) == 1, "discovery is cached"


def test_unserved_kind_is_not_found_and_looked_up_again(api: Api, kube: Kube) -> None:
    with pytest.raises(NotFound) as error:
        kube.path("example.com/v1", "Widget")
    assert error.value.reason == "KindMissing"
    api.on(
        "GET /apis/example.com/v1",
        (200, {}, {"resources": [{"name": "widgets", "kind": "Widget", "namespaced": False}]}),
    )
    assert kube.path("example.com/v1", "Widget", "ignored", "w") == "/apis/example.com/v1/widgets/w"


def events(*rows: tuple[str, dict[str, Any]]) -> Callable[[str], Answer]:
    lines = [json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in rows]
    return lambda _query: (200, {}, lambda: lines)


def collect(kube: Kube, enough: int) -> list[tuple[str, str]]:
    """Watch until so many events came."""
    seen: list[tuple[str, str]] = []
    stop = threading.Event()

    def on_event(kind: str, obj: dict[str, Any]) -> None:
        seen.append((kind, obj["metadata"]["name"]))
        if len(seen) >= enough:
            stop.set()

    kube.watch("/api/v1/pods", on_event, stop=stop)
    return seen


def test_watch_lists_then_follows(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/pods", page(pod("a"), version="5"))
    rows = [
        ("BOOKMARK", {"metadata": {"resourceVersion": "6"}}),
        ("MODIFIED", pod("a", "7")),
        ("DELETED", pod("a", "8")),
    ]
    api.on("GET /api/v1/pods?watch", events(*rows))
    assert collect(kube, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert "resourceVersion=5" in api.seen[1][1]


def test_watch_lists_anew_after_410_and_tells_what_vanished(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/pods", page(pod("a"), pod("b"), pod("c", uid="old")), page(pod("b"), pod("c", "2", uid="new")))
    api.on("GET /api/v1/pods?watch", events(("ERROR", {"code": 410, "reason": "Expired"})))
    seen = collect(kube, 6)
    assert seen[3:] == [("DELETED", "a"), ("DELETED", "c"), ("ADDED", "c")]
    assert ("MODIFIED", "b") not in seen, "b didn't change"


def test_watch_goes_on_from_the_last_version_after_a_cut(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/pods", page(version="5"))
    api.on("GET /api/v1/pods?watch", events(("ADDED", pod("a", "9"))), events(("MODIFIED", pod("a", "11"))))
    assert collect(kube, 2) == [("ADDED", "a"), ("MODIFIED", "a")]
    assert "resourceVersion=9" in api.seen[2][1]


def test_watch_waits_for_a_kind_that_appears_later(api: Api, kube: Kube) -> None:
    def appear() -> None:
        api.on("GET /api/v1/pods", page(pod("a")))

    timer = threading.Timer(0.3, appear)
    timer.start()
    assert collect(kube, 1) == [("ADDED", "a")]


def test_close_ends_a_watch_that_waits_for_data(api: Api, kube: Kube) -> None:
    def hang() -> Iterator[bytes]:
        api.release.wait(10)
        yield b"\n"

    api.on("GET /api/v1/pods", page())
    api.on("GET /api/v1/pods?watch", lambda _query: (200, {}, hang))
    thread = threading.Thread(target=kube.watch, args=("/api/v1/pods", lambda kind, obj: None))
    thread.start()
    while not any("watch=true" in target for _, target, _ in api.seen):
        threading.Event().wait(0.01)
    threading.Event().wait(0.1)
    kube.close()
    thread.join(3)
    assert not thread.is_alive()


def test_exception_of_the_callback_ends_the_watch(api: Api, kube: Kube) -> None:
    api.on("GET /api/v1/pods", page(pod("a")))

    def on_event(kind: str, obj: dict[str, Any]) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        kube.watch("/api/v1/pods", on_event)
