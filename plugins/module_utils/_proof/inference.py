# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the service answer as it should: models, both completions, plain and streamed, usage; refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from .._wait.model import one_line
from .findings import API_SOURCE, Finding, finding

_AUTH_REMEDY = ("Requests without a valid token must not reach the model: check AuthPolicy and Authorino (Connectivity "
                "Link 1.4.0 lets them through), then restart odh-model-controller.")  # fmt: skip
# A picker refuses a model that it doesn't know before vLLM sees it: with its own code, and in plain text.
_ERRORS = {"unknown-model": (404, 400), "bad-value": (400, 422)}
_CALLS = ("chat", "chat-stream", "completions", "completions-stream")


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """Findings on answers, from the client's document, the model's name and whether authentication is on."""
    document = measured.get("document") or {}
    out = [
        _ready(subject, measured.get("condition")),
        _models(subject, document.get("models"), str(measured.get("model"))),
    ]
    calls = {c.get("name"): c for c in document.get("calls") or []}
    out += [_call(subject, name, calls.get(name)) for name in _CALLS]
    out += _adapters(subject, measured.get("adapters") or [], calls)
    errors = {e.get("name"): e for e in document.get("errors") or []}
    out += [_error(subject, name, errors.get(name), codes) for name, codes in _ERRORS.items()]
    if measured.get("auth") is not False:  # not known is treated as on: refusals are asked for
        refusals = {r.get("name"): r for r in document.get("refusals") or []}
        out += [_refusal(subject, name, refusals.get(name), codes) for name, codes in
                (("no-token", (401,)), ("wrong-token", (401,)))]  # fmt: skip
        if "no-right" in refusals:
            out.append(_refusal(subject, "no-right", refusals["no-right"], (403,)))
        out.append(_routes(subject, [r for name, r in refusals.items() if str(name).startswith("no-token/")]))
    return out


def _ready(subject: str, found: Mapping[str, Any] | None) -> Finding:
    expected, remedy = "condition Ready is True", "Look at the service's conditions; the serving stage waits for them."
    if not found:
        return finding("service-ready", "unknown", subject, "no condition Ready", expected, remedy, API_SOURCE)
    why = ": ".join(str(found[k]) for k in ("reason", "message") if found.get(k))
    observed = one_line(f"Ready is {found.get('status')}" + (f" ({why})" if why else ""))
    state = "pass" if found.get("status") == "True" else "fail"
    return finding("service-ready", state, subject, observed, expected, remedy, API_SOURCE)


def _models(subject: str, record: Mapping[str, Any] | None, model: str) -> Finding:
    expected, remedy = f"200, with model {model} in the list", "Check the model's name (spec.model.name) and the route."
    if record is None:
        return _lost(subject, "models", expected)
    names = record.get("models")
    good = record.get("status") == 200 and isinstance(names, list) and model in names
    observed = f"{_status(record)}, models {', '.join(map(str, names)) if names else 'none'}"
    return finding("models", "pass" if good else "fail", subject, observed, expected, remedy, API_SOURCE)


def _call(subject: str, name: str, record: Mapping[str, Any] | None) -> Finding:
    expected = "200 with text and a usage that adds up" + (
        ", as a stream that ends with [DONE]" if "stream" in name else ""
    )
    if record is None:
        return _lost(subject, name, expected)
    faults = _faults(record)
    observed = "; ".join([_status(record), *faults]) if faults else (
        f"{_status(record)} in {record.get('ms')} ms, {_usage_text(record)}")  # fmt: skip
    return finding(name, "fail" if faults else "pass", subject, one_line(observed), expected,
                   _call_remedy(record), API_SOURCE)  # fmt: skip


def _adapters(subject: str, names: Iterable[str], calls: Mapping[Any, Mapping[str, Any]]) -> list[Finding]:
    """One finding for all LoRA adapters; none where the service has none. An answer by the model itself isn't the adapter's."""
    wanted = list(names)
    if not wanted:
        return []
    expected = "200 from each LoRA adapter, in its own name"
    records = {name: calls.get(f"adapter {name}") for name in wanted}
    if not all(records.values()):
        return [_lost(subject, "adapters", expected)]
    faults = [f"{name}: {'; '.join(told)}" for name, record in records.items() if (told := _adapter_faults(name, record or {}))]
    observed = "; ".join(faults) if faults else f"{', '.join(wanted)} answered"
    remedy = "The log of a vLLM Pod says why it didn't load the adapter: its rank, its base model, or no way to where it is."
    return [finding("adapters", "fail" if faults else "pass", subject, one_line(observed), expected, remedy, API_SOURCE)]


def _adapter_faults(name: str, record: Mapping[str, Any]) -> list[str]:
    found = _faults(record)
    if not found and record.get("model") != name:
        found = [f"answered as {record.get('model')}"]
    return [_status(record), *found] if found else []


def _call_remedy(record: Mapping[str, Any]) -> str:
    if record.get("status") == 500 and record.get("error_body"):
        return "vLLM itself failed the request: the log of its Pod says why."
    if record.get("status") == 500:
        return ("Read the gateway's log. When every request gets 500, the gateway can't ask Authorino: check its TLS set-up "
                "(authorino-server-cert), then restart odh-model-controller.")  # fmt: skip
    return "Read the gateway's and the vLLM Pods' logs for this request."


def _faults(record: Mapping[str, Any]) -> list[str]:
    if record.get("status") != 200:
        told = (record.get("error_body") or {}).get("message") or record.get("error")
        return [str(told or ("empty answer" if record.get("status") else "no reason given"))]
    out = [f for f in [usage_fault(record.get("usage"))] if f]
    if not record.get("text_length"):
        out.append("no text")
    if record.get("error"):
        out.append(str(record["error"]))
    if record.get("stream"):
        out += [] if record.get("done") else ["the stream ended without [DONE]"]
        out += [f"{record['bad_chunks']} chunks aren't JSON"] if record.get("bad_chunks") else []
        out += [] if (record.get("chunks") or 0) > 1 else [f"{record.get('chunks') or 0} chunks: not streamed"]
    return out


def usage_fault(usage: Any) -> str:
    """What is wrong with a usage block, or an empty string."""
    if not isinstance(usage, Mapping):
        return "no usage"
    prompt, completion, total = (
        cast(int, usage.get(k)) for k in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if not (_is_count(prompt) and _is_count(completion) and _is_count(total)):
        return f"usage without numbers: {one_line(dict(usage), 120)}"
    if prompt < 1 or completion < 1 or prompt + completion != total:
        return f"usage doesn't add up: {prompt} + {completion} = {total}"
    return ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _usage_text(record: Mapping[str, Any]) -> str:
    usage = record.get("usage") or {}
    return f"{usage.get('prompt_tokens')} + {usage.get('completion_tokens')} tokens"


def _refusal(subject: str, name: str, record: Mapping[str, Any] | None, codes: tuple[int, ...]) -> Finding:
    expected = f"HTTP {' or '.join(map(str, codes))}"
    if record is None:
        return _lost(subject, f"refused-{name}", expected)
    status = record.get("status")
    if status is None:  # nobody said no: a broken connection proves nothing about access
        return finding(
            f"refused-{name}", "unknown", subject, str(record.get("error")), expected, _AUTH_REMEDY, API_SOURCE
        )
    return finding(f"refused-{name}", "pass" if status in codes else "fail", subject, _status(record), expected,
                   _AUTH_REMEDY, API_SOURCE)  # fmt: skip


def _error(subject: str, name: str, record: Mapping[str, Any] | None, codes: tuple[int, ...]) -> Finding:
    """A wrong request is refused with the right code; a body in another form than the API's is a remark."""
    expected = f"HTTP {' or '.join(map(str, codes))} with an error that has a message"
    if record is None:
        return _lost(subject, f"{name}-error", expected)
    told = (record.get("error_body") or {}).get("message")
    observed = one_line(f"{_status(record)}: {told or record.get('error') or 'empty'}", 200)
    if record.get("status") not in codes:
        state = "unknown" if record.get("status") is None else "fail"
        return finding(f"{name}-error", state, subject, observed, expected, "Read the gateway's and the picker's logs for this request.", API_SOURCE)
    if not told:
        return finding(f"{name}-error", "warn", subject, observed, expected, "Clients that read the error's message see none; the code is right.",
                       API_SOURCE, deciding=False)  # fmt: skip
    return finding(f"{name}-error", "pass", subject, observed, expected, source=API_SOURCE)


def _routes(subject: str, records: list[Mapping[str, Any]]) -> Finding:
    """Without a token nothing behind the service's address answers, whatever its path."""
    expected = "HTTP 401 on every path"
    if not records:
        return _lost(subject, "refused-every-route", expected)
    open_ = [r for r in records if r.get("status") not in (401, None)]
    silent = [r for r in records if r.get("status") is None]
    if open_:
        observed = ", ".join(f"{r.get('path')} {_status(r)}" for r in open_)
        return finding("refused-every-route", "fail", subject, observed, expected, _AUTH_REMEDY, API_SOURCE)
    if silent:
        observed = ", ".join(f"{r.get('path')}: {r.get('error')}" for r in silent)
        return finding("refused-every-route", "unknown", subject, one_line(observed), expected, _AUTH_REMEDY, API_SOURCE)
    return finding("refused-every-route", "pass", subject, ", ".join(str(r.get("path")) for r in records), expected, source=API_SOURCE)


def _lost(subject: str, name: str, expected: str) -> Finding:
    return finding(name, "unknown", subject, "not measured", expected, "Run the verify stage again.", API_SOURCE)


def _status(record: Mapping[str, Any]) -> str:
    return f"HTTP {record.get('status')}" if record.get("status") else "no answer"
