# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that a prompt is computed in one Pod and answered by another: the picker decided so, prefill Pods saw the prompts and nothing else,
decode Pods got the KV blocks from them, over RDMA, and no transfer failed.

Answers prove none of it: without a transfer vLLM up to 0.17 computes the prompt again on the decode side and answers 200; a sidecar that
can't reach a prefill Pod does so too. ``external_prefix_cache_hits`` alone doesn't prove it either: most versions count what they ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import engine_log, picker
from .evidence import Rise, engine_pages, risen
from .families import (
    ENGINE_SUCCESS,
    GENERATED_TOKENS,
    NIXL_BYTES,
    NIXL_FAILURES,
    NIXL_SECONDS,
    NIXL_TRANSFERS,
    OUTSIDE_HITS,
    SPLIT,
    SPLIT_DECISIONS,
    TOKENS_BY_SOURCE,
)
from .findings import LOG_SOURCE, Finding, finding

RECEIVED = 0.8  # of the prompts' tokens: the last block of each is always computed by the decode side
_NO_SERIES = "This vLLM shows no such series (they exist from 0.11 on): a newer release of OpenShift AI has them."
_SIDECAR = ("Read the log of the container llm-d-routing-sidecar in the decode Pods: it says why it didn't ask a prefill Pod. Without a fault there, check "
            "that the picker's configuration has both profiles.")  # fmt: skip


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """All findings on prefill and decode."""
    document = measured.get("document") or {}
    prefill, decode = names(measured, prefill=True), names(measured, prefill=False)
    if not prefill or not decode:
        observed = f"{len(prefill)} prefill and {len(decode)} decode Pods"
        return [finding("pd-pods", "fail", subject, observed, "both kinds of Pods", "Look at the service's prefill part and its Pods.")]
    good = [r for r in document.get("requests") or [] if r.get("status") == 200]
    both = _two_pods(good, prefill, decode)
    moved = transfers(document, [*prefill, *decode])
    return [
        _decided(subject, measured, len(good), len(both)),
        _prefilled(subject, document, good, both),
        _prefill_stops(subject, document, prefill),
        _received(subject, document, decode, good),
        _moved(subject, measured, moved, len(good)),
        _unfailing(subject, document, [*prefill, *decode], moved),
        _transport(subject, measured, decode, moved),
        _apart(subject, measured),
    ]


def names(measured: Mapping[str, Any], prefill: bool) -> list[str]:
    """The Pods that only compute prompts, or the others."""
    return [str(p.get("name")) for p in measured.get("engines") or [] if (p.get("role") == "prefill") == prefill]


def _two_pods(records: list[Any], prefill: list[str], decode: list[str]) -> list[Any]:
    """The requests that a prefill Pod and a decode Pod have counted."""
    return [r for r in records if set(r.get("rose") or {}) & set(prefill) and set(r.get("rose") or {}) & set(decode)]


def transfers(document: Mapping[str, Any], pods: list[str]) -> Rise:
    """How many transfers of KV blocks there were; each is counted by the side that reads."""
    return risen(engine_pages(document, pods), [NIXL_TRANSFERS])


def numbers(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for the report."""
    document = measured.get("document") or {}
    prefill, decode = names(measured, prefill=True), names(measured, prefill=False)
    found = engine_pages(document, [*prefill, *decode])
    size, seconds, count = (risen(found, [name]) for name in (NIXL_BYTES, NIXL_SECONDS, NIXL_TRANSFERS))
    rate = size.total / seconds.total / 1e9 if size.known and seconds.known and seconds.total else None
    good = [r for r in document.get("requests") or [] if r.get("status") == 200]
    return {
        "requests_through_both": len(_two_pods(good, prefill, decode)),
        "requests_measured": len(good),
        "kv_transfers": count.total if count.known else None,
        "kv_bytes_moved": size.total if size.known else None,
        "kv_gigabytes_per_second": round(rate, 3) if rate else None,
        "kv_transports": sorted({way for pod in decode for way in engine_log.transports(_lines(measured, pod))}),
        "warmup_requests": (document.get("warmup") or {}).get("requests"),
    }


# -- the picker ------------------------------------------------------------------------------------------------------------


def _decided(subject: str, measured: Mapping[str, Any], sent: int, both: int) -> Finding:
    expected = f"the picker's counter of prefill-decode decisions rises by our {sent} long requests or more"
    remedy = ("Check the picker's EndpointPickerConfig: a profile handler for prefill and decode, and no threshold above the prompt's length.")
    found = picker.pages(measured)
    if isinstance(found, str):
        return finding("pd-decided", "unknown", subject, found, expected, picker.READ_REMEDY)
    name, count = picker.most_risen(SPLIT_DECISIONS, found, decision_type=SPLIT)
    if count is None:
        # The pickers of 2.25 and 3.0 have no such counter; that both Pods counted each request shows what they decided.
        observed = "the picker's page has no counter of such decisions" + (f"; {both} of {sent} requests went both ways" if sent else "")
        return finding("pd-decided", "unknown", subject, observed, expected, remedy, deciding=not sent or both < sent)
    if not sent:
        return finding("pd-decided", "unknown", subject, "no request of ours was answered", expected, "Repair what the checks of the answers say.")
    alone = picker.most_risen([name], found)[1]
    rest = f", {alone - count:.0f} times otherwise" if alone and alone > count else ""
    return finding("pd-decided", "pass" if count >= sent else "fail", subject, f"{name}: {count:.0f} times {SPLIT}{rest}", expected, remedy)


# -- the Pods --------------------------------------------------------------------------------------------------------------


def _prefilled(subject: str, document: Mapping[str, Any], good: list[Any], both: list[Any]) -> Finding:
    expected = "each request is counted by a prefill Pod and by a decode Pod"
    if not good:
        return finding("pd-prefilled", "unknown", subject, "no request of ours was answered", expected, "Repair what the checks of the answers say.")
    if not any(r.get("rose") for r in good):
        return finding("pd-prefilled", "unknown", subject, "the Pods' counters couldn't be read", expected,
                       "Allow the proof's Pod to reach the metrics of the vLLM Pods.")  # fmt: skip
    warm = document.get("warmup") or {}
    late = "" if warm.get("done", True) else f"; no prefill Pod took part in {warm.get('requests')} requests before them either"
    observed = f"{len(both)} of {len(good)} requests{late}"
    return finding("pd-prefilled", "pass" if len(both) == len(good) else "fail", subject, observed, expected, _SIDECAR)


def _prefill_stops(subject: str, document: Mapping[str, Any], prefill: list[str]) -> Finding:
    expected = "prefill Pods make one token for each prompt"
    found = engine_pages(document, prefill)
    tokens, requests = risen(found, [GENERATED_TOKENS]), risen(found, [ENGINE_SUCCESS])
    if not (tokens.known and requests.known):
        return finding("pd-prefill-only", "unknown", subject, tokens.why or requests.why, expected, "Run the verify stage again.")
    if not requests.total:
        return finding("pd-prefill-only", "unknown", subject, "prefill Pods have counted no request", expected, _SIDECAR)
    observed = f"{tokens.total:.0f} tokens for {requests.total:.0f} prompts"
    return finding("pd-prefill-only", "pass" if tokens.total <= requests.total else "fail", subject, observed, expected,
                   "Prefill Pods answer whole requests, as they do when the picker is dead or doesn't tell the two kinds apart: check its prefill-filter "
                   "and decode-filter.")  # fmt: skip


def _received(subject: str, document: Mapping[str, Any], decode: list[str], good: list[Any]) -> Finding:
    wanted = sum((r.get("usage") or {}).get("prompt_tokens") or 0 for r in good) * RECEIVED
    expected = f"decode Pods get {wanted:.0f} or more of the prompts' tokens from elsewhere"
    found = engine_pages(document, decode)
    got = risen(found, [TOKENS_BY_SOURCE], source="external_kv_transfer")
    if not got.known:
        got = risen(found, OUTSIDE_HITS)
    if not got.known:
        return finding("pd-external-kv", "unknown", subject, got.why, expected, _unread(got.why))
    if not wanted:
        return finding("pd-external-kv", "unknown", subject, "no request of ours was answered", expected, "Repair what the checks of the answers say.")
    return finding("pd-external-kv", "pass" if got.total >= wanted else "fail", subject, f"{got.name}: {got.total:.0f} tokens", expected,
                   "Decode Pods compute the prompts themselves: repair what the other checks of prefill and decode name.")  # fmt: skip


def _moved(subject: str, measured: Mapping[str, Any], moved: Rise, sent: int) -> Finding:
    document = measured.get("document") or {}
    expected = f"{sent} transfers of KV blocks or more, with bytes"
    size = risen(engine_pages(document, [*names(measured, True), *names(measured, False)]), [NIXL_BYTES])
    if not (moved.known and size.known):
        return finding("pd-kv-moved", "unknown", subject, moved.why or size.why, expected, _unread(moved.why or size.why))
    observed = f"{moved.total:.0f} transfers, {size.total:.0f} bytes"
    if sent and moved.total >= sent and size.total > 0:
        return finding("pd-kv-moved", "pass", subject, observed, expected)
    known = [t for pod in names(measured, prefill=False) for t in engine_log.troubles(_lines(measured, pod))]
    cause = "; ".join(dict.fromkeys(t.what for t in known))
    remedy = " ".join(dict.fromkeys(t.repair for t in known)) or "Read the logs of the decode Pods for NIXL and UCX."
    if not sent and not known:
        return finding("pd-kv-moved", "unknown", subject, "no request of ours was answered", expected, "Repair what the checks of the answers say.")
    # kv_load_failure_policy (from 0.13 on, "fail" by itself from 0.18 on) decides which of both a client sees
    lost = "; the prompts were computed again on the decode side" if sent else "; the requests failed"
    return finding("pd-kv-moved", "fail", subject, observed + (f": {cause}" if cause else "") + lost, expected, remedy)


def _unfailing(subject: str, document: Mapping[str, Any], pods: list[str], moved: Rise) -> Finding:
    expected = "no transfer failed, none expired"
    found = engine_pages(document, pods)
    counted = [r for r in (risen(found, [name]) for name in NIXL_FAILURES) if r.known]
    if not counted:
        why = found if isinstance(found, str) else "the pages have no counters of failed transfers"
        return finding("pd-transfer-failures", "unknown", subject, why, expected, _unread(why))
    failed = [r for r in counted if r.total]
    if failed:
        observed = ", ".join(f"{r.name} {r.total:.0f}" for r in failed)
        return finding("pd-transfer-failures", "fail", subject, observed, expected,
                       "Read the decode Pods' logs for NIXL; blocks that expired weren't fetched in time.")  # fmt: skip
    if not moved.total:  # up to 0.17 failures are counted together with the next success only
        return finding("pd-transfer-failures", "unknown", subject, "none counted, but nothing was transferred at all", expected,
                       "Repair what the check pd-kv-moved names.")  # fmt: skip
    return finding("pd-transfer-failures", "pass", subject, f"0 of {moved.total:.0f} transfers", expected)


def _unread(why: str) -> str:
    """What to do about evidence that isn't there."""
    return _NO_SERIES if "the pages have no" in why else "Run the verify stage again while the Pods are quiet and ready."


# -- the way ---------------------------------------------------------------------------------------------------------------


def _lines(measured: Mapping[str, Any], pod: str) -> list[str]:
    return list(((measured.get("logs") or {}).get(pod) or {}).get("lines") or [])


def _transport(subject: str, measured: Mapping[str, Any], decode: list[str], moved: Rise) -> Finding:
    expected = "UCX of each decode Pod that read blocks reaches prefill Pods over RDMA (rc, dc or ud), not TCP"
    readers = [pod for pod in decode if (moved.by_pod or {}).get(pod)] or decode
    ways = {pod: engine_log.transports(_lines(measured, pod)) for pod in readers}
    slow = {pod: sorted(w for w in found if not engine_log.is_rdma(w)) for pod, found in ways.items()}
    if any(slow.values()):
        known = [t for pod in readers for t in engine_log.troubles(_lines(measured, pod))]
        cause = "".join(f"; {text}" for text in dict.fromkeys(t.what for t in known))
        observed = "; ".join(f"{pod} uses {', '.join(found)}" for pod, found in slow.items() if found) + cause
        return finding("pd-transport", "fail", subject, observed, expected,
                       " ".join(dict.fromkeys([*(t.repair for t in known), "Take tcp out of UCX_TLS (rc,sm,self,cuda_copy,cuda_ipc), so that a broken "
                                                                           "fabric shows."])), LOG_SOURCE)  # fmt: skip
    blind = [pod for pod, found in ways.items() if not found]
    if blind:
        why = next((str(log["error"]) for pod in blind if (log := (measured.get("logs") or {}).get(pod) or {}).get("error")), "")
        observed = f"the log of {', '.join(blind[:4])} shows no way to another node" + (f" ({why})" if why else "")
        return finding("pd-transport", "unknown", subject, observed, expected,
                       "UCX says it once, at the first transfer between two Pods on different nodes, when UCX_PROTO_INFO=y is set: set it, or restart the "
                       "decode Pods when their log has been rotated, then run the verify stage again.", LOG_SOURCE)  # fmt: skip
    return finding("pd-transport", "pass", subject, ", ".join(sorted({w for found in ways.values() for w in found})), expected, source=LOG_SOURCE)


def _apart(subject: str, measured: Mapping[str, Any]) -> Finding:
    """A remark: on one node blocks may go through its memory, and the fabric isn't used."""
    nodes = [{str(p.get("node")) for p in measured.get("engines") or [] if (p.get("role") == "prefill") == prefill} for prefill in (True, False)]
    shared = sorted(nodes[0] & nodes[1])
    if not shared:
        return finding("pd-apart", "pass", subject, "prefill and decode Pods are on different nodes", "no node has both", deciding=False)
    return finding("pd-apart", "warn", subject, f"{', '.join(shared)} has prefill and decode Pods", "no node has both",
                   "Keep them apart by podAntiAffinity, so that blocks cross the fabric.", deciding=False)  # fmt: skip
