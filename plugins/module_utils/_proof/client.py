# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof's client: runs inside the cluster in a short-lived Pod, measures, judges nothing.

Standard library only and Python 3.9 (the `tools` image of OpenShift). Reads its orders from the JSON file that the
environment variable LLMD_PLAN names, prints one JSON document as its last line. Each part stands alone: a part that
fails leaves its error in the document instead of a measurement.

For each request of a prefix group the Pods' own success counters are read right after it, so that the Pod that
answered is known on any vLLM, without a header that only a simulator sends. Times are milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import ssl
import sys
import time
import urllib.error
import urllib.request
from typing import Any

LINES_KEPT = 600  # metric lines kept from one scrape
TEXT_KEPT = 300  # characters kept of an error body
COUNTER_PATIENCE = 3.0  # seconds that a Pod's counter may lag behind its answer
WORDS = (
    "amber anchor basin birch bridge cabin candle canyon cedar circle clover copper coral crystal delta desert ember "
    "falcon field forest garden glacier granite harbor hazel island ivory jasmine juniper kernel lagoon lantern ledger "
    "linen marble meadow mirror nickel ocean olive orchard paper pebble pepper pine planet prairie quartz quill raven "
    "ribbon river saddle saffron signal silver spruce stone summit thicket timber tulip valley velvet violet walnut "
    "water willow winter yarrow zephyr"
)


class Client:
    """Sends requests as the plan says."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.timeout = float(plan.get("timeout_seconds", 60))
        self.end = time.monotonic() + float(plan.get("deadline_seconds", 480))
        self.gateway = _opener(_gateway_context(plan))
        self.metrics = _opener(_blind_context())
        self.token = _read(plan.get("token_file"))

    def left(self) -> float:
        """Seconds until everything has to be over."""
        return self.end - time.monotonic()

    # -- requests ------------------------------------------------------------------------------------------------------

    def send(
        self, path: str, body: dict[str, Any] | None = None, token: str | None = None, stream: bool = False
    ) -> dict[str, Any]:
        """One request to the service; always returns a record, never raises."""
        request = urllib.request.Request(self.plan["base_url"].rstrip("/") + path, method="POST" if body else "GET")
        request.add_header("Accept", "text/event-stream" if stream else "application/json")
        request.add_header("User-Agent", "llmd-openshift-proof/1")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        if body:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        record: dict[str, Any] = {"path": path, "stream": stream, "status": None, "error": None}
        start = time.monotonic()
        try:
            with self.gateway.open(request, timeout=max(1.0, min(self.timeout, self.left()))) as answer:
                record["status"] = answer.status
                record["pod_header"] = answer.headers.get("x-inference-pod")
                if stream:
                    record.update(_read_stream(answer, start))
                else:
                    record["body"] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            record["status"] = error.code
            record["error"] = error.read(2000).decode("utf-8", "replace")[:TEXT_KEPT]
        except Exception as error:  # every fault is a measurement here: TLS, DNS, reset, no JSON
            record["error"] = f"{type(error).__name__}: {error}"[:TEXT_KEPT]
        record["ms"] = _ms(start)
        return record

    def ask(self, kind: str, prompt: str, stream: bool = False, token: str | None = None) -> dict[str, Any]:
        """One completion; the record holds usage and the length of the text instead of the text."""
        body = {"model": self.plan["model"], "max_tokens": int(self.plan.get("max_tokens", 8)), "temperature": 0}
        if stream:
            body.update(stream=True, stream_options={"include_usage": True})
        if kind == "chat":
            body["messages"] = [{"role": "user", "content": prompt}]
        else:
            body["prompt"] = prompt
        path = "/v1/chat/completions" if kind == "chat" else "/v1/completions"
        record = self.send(path, body, self.token if token is None else token, stream)
        answer = record.pop("body", None)
        if isinstance(answer, dict):
            record["usage"] = answer.get("usage")
            record["model"] = answer.get("model")
            record["text_length"] = len(_text(answer))
        return record

    # -- the parts of the document -------------------------------------------------------------------------------------

    def models(self) -> dict[str, Any]:
        """The list of models, which the gateway sends to any Pod (it proves nothing about the picker)."""
        record = self.send("/v1/models", token=self.token)
        answer = record.pop("body", None)
        listed = answer.get("data") if isinstance(answer, dict) else None
        record["models"] = [m.get("id") for m in listed if isinstance(m, dict)] if isinstance(listed, list) else None
        return record

    def calls(self) -> list[dict[str, Any]]:
        """Each kind of completion, plain and streamed."""
        out = []
        for kind in ("chat", "completions"):
            for stream in (False, True):
                record = self.ask(kind, "Say one word about rivers.", stream)
                record["name"] = kind + ("-stream" if stream else "")
                out.append(record)
        return out

    def refusals(self) -> list[dict[str, Any]]:
        """Calls that must be refused: without a token, with a wrong one, with one that lacks the right."""
        cases = [("no-token", ""), ("wrong-token", "not-a-token")]
        denied = _read(self.plan.get("denied_token_file"))
        if denied:
            cases.append(("no-right", denied))
        out = []
        for name, token in cases:
            record = self.ask("chat", "This call must be refused.", token=token)
            record["name"] = name
            out.append(record)
        return out

    def groups(self) -> list[dict[str, Any]]:
        """Requests in groups with one long prefix each, and requests with a prefix of their own."""
        orders = self.plan["groups"]
        size, words = int(orders["size"]), int(orders.get("prefix_words", 250))
        todo = [(f"shared-{g}", "shared", n) for g in range(int(orders["shared"])) for n in range(size)]
        todo += [(f"own-{n}", "own", 0) for n in range(int(orders["own"]))]
        out: list[dict[str, Any]] = []
        before = self.counters()
        for group, kind, place in todo:
            if self.left() < 1:
                out.append({"group": group, "kind": kind, "place": place, "status": None, "error": "out of time"})
                continue
            record = self.ask("completions", _prompt(str(orders.get("nonce", "")) + group, words, place))
            after = self.settled(before) if record["status"] == 200 else self.counters()
            record.update(group=group, kind=kind, place=place, rose=_rose(before, after))
            before = after
            out.append(record)
        return out

    # -- metrics -------------------------------------------------------------------------------------------------------

    def scrape(self, url: str, token: str | None = None) -> dict[str, Any]:
        """Metrics text of one endpoint as ``{"text": …}`` or ``{"error": …}``."""
        request = urllib.request.Request(url)
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with self.metrics.open(request, timeout=max(1.0, min(20.0, self.left()))) as answer:
                return {"text": answer.read(8_000_000).decode("utf-8", "replace")}
        except urllib.error.HTTPError as error:
            return {"error": f"HTTP {error.code}", "status": error.code}
        except Exception as error:  # as above: refused, reset, timed out
            return {"error": f"{type(error).__name__}: {error}"[:TEXT_KEPT]}

    def counters(self) -> dict[str, float | None]:
        """Successful requests of each vLLM Pod so far, None where it can't be read."""
        name = self.plan.get("engine_counter", "vllm:request_success_total")
        out: dict[str, float | None] = {}
        for engine in self.plan.get("engines", []):
            text = self.scrape(engine["url"]).get("text")
            out[engine["pod"]] = None if text is None else _total(text, name)
        return out

    def settled(self, before: dict[str, float | None]) -> dict[str, float | None]:
        """Counters after an answer: read until one Pod's has risen."""
        end = time.monotonic() + COUNTER_PATIENCE
        while True:
            after = self.counters()
            if _rose(before, after) or time.monotonic() > end or not any(c is not None for c in after.values()):
                return after
            time.sleep(0.05)

    def snapshot(self) -> dict[str, Any]:
        """The kept metric lines of all pickers and engines."""
        out = {}
        for part in ("pickers", "engines"):
            token = self.token if part == "pickers" else None
            out[part] = {e["pod"]: self._kept(self.scrape(e["url"], token), part) for e in self.plan.get(part, [])}
        return out

    def _kept(self, scraped: dict[str, Any], part: str) -> dict[str, Any]:
        if "text" not in scraped:
            return scraped
        prefixes = tuple(self.plan.get("keep", {}).get(part, []))
        lines = [line for line in scraped["text"].splitlines() if line.startswith(prefixes) and "_bucket{" not in line]
        return {"text": "\n".join(lines[:LINES_KEPT]), "cut": len(lines) > LINES_KEPT}


def _read(path: str | None) -> str | None:
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as stream:
        return stream.read().strip() or None


def _gateway_context(plan: dict[str, Any]) -> ssl.SSLContext:
    if not plan.get("verify_gateway", True):
        return _blind_context()
    context = ssl.create_default_context()
    for path in plan.get("ca_files", []):
        if os.path.exists(path):
            context.load_verify_locations(path)
    return context


def _blind_context() -> ssl.SSLContext:
    """Metrics endpoints have certificates that KServe signs by itself and publishes no CA for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    # No proxy: everything asked is inside the cluster or its own gateway.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def _read_stream(answer: Any, start: float) -> dict[str, Any]:
    """Server-sent events of a completion: how many, when the first came, whether [DONE] ended them, the usage."""
    out: dict[str, Any] = {
        "chunks": 0,
        "first_ms": None,
        "done": False,
        "usage": None,
        "text_length": 0,
        "bad_chunks": 0,
    }
    for raw in answer:
        line = raw.decode("utf-8", "replace").strip()
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            out["done"] = True
            break
        try:
            chunk = json.loads(data)
        except ValueError:
            out["bad_chunks"] += 1
            continue
        out["chunks"] += 1
        if out["first_ms"] is None:
            out["first_ms"] = _ms(start)
        out["usage"] = chunk.get("usage") or out["usage"]
        out["text_length"] += len(_text(chunk))
    return out


def _text(answer: dict[str, Any]) -> str:
    """The text of a whole answer or of one chunk, chat or not (also what a reasoning model thinks aloud)."""
    out = ""
    for choice in answer.get("choices") or []:
        part = choice.get("message") or choice.get("delta") or {}
        for value in (choice.get("text"), part.get("content"), part.get("reasoning_content"), part.get("reasoning")):
            out += value if isinstance(value, str) else ""
    return out


def _prompt(seed: str, words: int, place: int) -> str:
    """A text that only requests of one group begin with; ``place`` makes its end differ."""
    chance = random.Random(seed)
    known = WORDS.split()
    text = " ".join(chance.choice(known) for _word in range(words))
    return f"{text}. Question {place}: what comes next?"


def _total(text: str, name: str) -> float:
    """The sum of a metric's samples over all label sets; 0 when there are none yet (a counter before its first event)."""
    total = 0.0
    for line in text.splitlines():
        if line.startswith(name) and line[len(name) : len(name) + 1] in ("{", " "):
            try:
                total += float(line.rsplit("}", 1)[-1].split()[0])
            except (IndexError, ValueError):
                continue
    return total


def _rose(before: dict[str, float | None], after: dict[str, float | None]) -> dict[str, float]:
    """By how much each Pod's counter rose, for those that rose; a Pod that couldn't be read twice is left out."""
    out = {}
    for pod, count in after.items():
        old = before.get(pod)
        if count is not None and old is not None and count > old:
            out[pod] = count - old
    return out


def _ms(start: float) -> float:
    return round((time.monotonic() - start) * 1000, 1)


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """The whole document. A part that breaks is an entry in ``faults``."""
    client = Client(plan)
    document: dict[str, Any] = {"format": 1}
    faults: dict[str, str] = {}
    parts: list[tuple[str, Any]] = [
        ("before", client.snapshot),
        ("models", client.models),
        ("calls", client.calls),
        ("refusals", client.refusals if plan.get("auth", True) else list),
        ("requests", client.groups),
        ("after", client.snapshot),
    ]
    for name, part in parts:
        try:
            document[name] = part()
        except Exception as error:  # a lost part must not lose the others
            faults[name] = f"{type(error).__name__}: {error}"[:TEXT_KEPT]
        say(f"proof: {name} measured")
    document["faults"] = faults
    return document


def say(line: str) -> None:
    """One line of the Pod's log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 0 when a document of measurements was printed, 1 when there were no orders."""
    try:
        with open(os.environ.get("LLMD_PLAN", "/proof/plan.json"), encoding="utf-8") as stream:
            plan = json.load(stream)
    except (OSError, ValueError) as error:
        say(json.dumps({"format": 1, "faults": {"plan": str(error)}}))
        return 1
    say(json.dumps(measure(plan), separators=(",", ":")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
