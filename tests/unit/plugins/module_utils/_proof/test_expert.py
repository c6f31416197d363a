# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranks: all there, all joined, all answering - and each way in which one is missing while answers are good."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import verdict

sys.path.insert(0, str(Path(__file__).parent))
from measured import proven

RANKS = 4


def page(counts: dict[int, int]) -> dict[str, str]:
    return {"text": "\n".join(f'vllm:request_success_total{{engine="{rank}",finished_reason="length"}} {count}' for rank, count in counts.items())}


def wide() -> dict[str, Any]:
    """Two groups of two Pods with two ranks each."""
    facts = proven()
    state = facts["engines"][0]
    place = {"set": "s-kserve-mn", "size": 2, "role": "both"}
    facts["engines"] = [{**state, "name": f"leader-{g}", "role": "both", "ranks": RANKS, "expert_parallel": True, "node": f"n{g}"} for g in range(2)]
    facts["members"] = [{**state, **place, "name": f"pod-{g}-{i}", "group": str(g), "index": i} for g in range(2) for i in range(2)]
    facts.update(replicas=2, prefill_replicas=None, group_sizes={"main": 2, "prefill": None}, logs={})
    answers = [{"rank": rank, "status": 200, "ms": 20.0, "error": None} for rank in range(RANKS)]
    before, after = page(dict.fromkeys(range(RANKS), 3)), page(dict.fromkeys(range(RANKS), 5))
    facts["document"]["ranks"] = {f"leader-{g}": {"before": before, "after": after, "answers": list(answers)} for g in range(2)}
    return facts


def judged(facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    proof = verdict.prove("wide_expert_parallelism", facts)
    return proof, {c["id"].removeprefix("proof-"): c["status"] for c in proof["checks"]}


def test_the_reference_is_proven() -> None:
    proof, states = judged(wide())
    assert proof["status"] == "proven" and set(states.values()) == {"pass"}, verdict.summary(proof)
    assert proof["numbers"]["ranks_in_group"] == [RANKS] and "2 groups" in verdict.summary(proof)


def one(facts: dict[str, Any], **more: Any) -> None:
    facts["document"]["ranks"]["leader-1"].update(more)


CASES: list[tuple[str, Callable[[dict[str, Any]], Any], str, str, str]] = [
    ("a worker isn't ready", lambda f: f["members"][3].update(ready=False, trouble="Pending"), "wep-groups", "fail", "pod-1-1 Pending"),
    ("a worker is missing", lambda f: f["members"].pop(3), "wep-groups", "fail", "1 Pods are missing"),
    ("a group is missing", lambda f: (f["members"].pop(), f["members"].pop()), "wep-groups", "fail", "1 of 2 groups"),
    ("no group at all", lambda f: f.update(members=[]), "wep-groups", "fail", "no Pod of a leader worker set"),
    ("groups of another size", lambda f: f["group_sizes"].update(main=4), "wep-groups", "fail", "its size is 2, the declared ranks need 4"),
    ("two ranks never joined", lambda f: one(f, after=page({0: 5, 1: 5}), before=page({0: 3, 1: 3})), "wep-ranks-joined", "fail", "leader-1 lacks rank 2, 3"),
    ("a rank never answered", lambda f: one(f, after=page({0: 5, 1: 5, 2: 5, 3: 3})), "wep-ranks-answered", "fail", "none by rank 3"),
    ("requests to a rank failed", lambda f: one(f, after=page({0: 5, 1: 5, 2: 5, 3: 3}), answers=[{"rank": 3, "status": 500}]), "wep-ranks-answered", "fail",
     "failed, one with 500"),
    ("a page can't be read", lambda f: one(f, after={"error": "HTTP 503"}), "wep-ranks-joined", "unknown", "HTTP 503"),
    ("a leader waits", lambda f: (one(f, after={"error": "refused"}), f["engines"][1].update(ready=False)), "wep-ranks-joined", "fail",
     "leader-1 doesn't serve"),
    ("not measured", lambda f: f["document"].pop("ranks"), "wep-ranks-answered", "unknown", "not measured"),
    ("all experts everywhere", lambda f: f["engines"][1].update(expert_parallel=False), "wep-expert-parallel", "fail", "off on leader-1"),
    ("command not known", lambda f: f["engines"][1].update(expert_parallel=None), "wep-expert-parallel", "unknown", "isn't known"),
    ("one rank only", lambda f: [e.update(ranks=1) for e in f["engines"]], "wep-ranks", "fail", "1 ranks"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "check", "status", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_single_fault(change: Callable[[dict[str, Any]], Any], check: str, status: str, words: str) -> None:
    facts = wide()
    change(facts)
    proof, states = judged(facts)
    assert states[check] == status and proof["status"] == ("failed" if "fail" in states.values() else "unknown")
    found = next(c for c in proof["checks"] if c["id"] == f"proof-{check}")
    assert words in found["observed"] and found["remedy"]
    assert states["chat"] == "pass"


def test_all_ranks_in_one_pod_need_no_group() -> None:
    facts = wide()
    facts.update(members=[], group_sizes={"main": None, "prefill": None})
    proof, states = judged(facts)
    assert proof["status"] == "proven" and "wep-groups" not in states
