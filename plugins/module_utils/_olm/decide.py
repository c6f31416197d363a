# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which InstallPlan to approve, and how far each wished operator is. Pure.

An InstallPlan covers a whole namespace: it is approved only when *all* CSVs that it would install are expected by the
wishes for that namespace, and at least one of them is wanted now. Everything else stays unapproved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .._wait.fields import dig
from .._wait.model import DONE, FAILED, State, blamed_on, done, failed, waiting
from . import catalogs, states
from .world import Obj, Wish, World

# OLM may still replace a plan that it made before it saw all Subscriptions of the namespace.
PLAN_GRACE = 8.0
# A Subscription may name a CSV for a moment longer than it exists, when the next version replaces it.
GONE_GRACE = 8.0


@dataclass(frozen=True)
class Decision:
    """How far one wish is; ``approve`` names the InstallPlan to approve now. ``adopted``: found, not touched.

    ``coming``: a CSV is there (in any phase), so the rest is the operator's own start.
    ``outdated``: an InstallPlan that OLM made for the Subscription's channel of before. It makes no other as long as that one waits.
    """

    wish: Wish
    state: State
    approve: str = ""
    plan: str = ""
    adopted: bool = False
    installed: str = ""
    warnings: tuple[str, ...] = ()
    coming: bool = False
    outdated: str = ""

    def state_until(self, goal: str) -> State:
        """The state on the way to a goal: ``succeeded``, or ``approved`` (the plan is, and its CSV has appeared)."""
        if goal == "approved" and self.coming and not (self.state.phase == FAILED and self.state.grace == 0):
            return self.state if self.state.phase == DONE else done("Approved", f"its CSV is {self.state.reason}")
        return self.state


def decide(wishes: Sequence[Wish], world: World) -> list[Decision]:
    """One decision for each wish."""
    expected = {w.namespace: expected_in(w.namespace, wishes) for w in wishes}
    return [_one(w, world, expected[w.namespace]) for w in wishes]


def expected_in(namespace: str, wishes: Iterable[Wish]) -> frozenset[str]:
    """Every CSV that the wishes for a namespace allow there."""
    own = [w for w in wishes if w.namespace == namespace]
    return frozenset(c for w in own for c in (w.csv, *w.expected))


def _one(wish: Wish, world: World, expected: frozenset[str]) -> Decision:
    subscription = world.subscription(wish)
    if subscription is None:
        return Decision(
            wish,
            failed(
                "NoSubscription",
                f"there is no Subscription for {wish.package} in {wish.namespace}",
                "Run the operators stage, which makes it.",
                grace=20,
            ),
        )
    warnings = tuple(_warnings(wish, world, subscription))
    installed = str(dig(subscription, "status.installedCSV") or "")
    if dig(subscription, "spec.name") != wish.package:
        return Decision(
            wish,
            failed(
                "OtherPackage",
                f"the Subscription asks for package {dig(subscription, 'spec.name')}",
                "Another owner uses this name: rename or remove that Subscription.",
            ),
        )
    if installed:
        return _installed(wish, world, subscription, installed, expected, warnings)
    return _missing(wish, world, subscription, expected, warnings)


def _installed(
    wish: Wish, world: World, subscription: Obj, installed: str, expected: frozenset[str], warnings: tuple[str, ...]
) -> Decision:
    """A CSV is installed: the wanted one, another one to adopt, or an older one that an expected plan replaces."""
    found = world.csv(wish.namespace, installed)
    elsewhere = world.homes(installed) if found is None else []
    if elsewhere:
        state = failed(
            "InstalledElsewhere",
            f"{installed} is installed in {', '.join(elsewhere)}, and {wish.namespace} has a copy of that at the most",
            "One of the two is enough: remove this Subscription, or the operator there.",
            grace=GONE_GRACE,
        )
        return Decision(wish, state, installed=installed, warnings=warnings)
    if found is None:
        state = failed(
            "CsvGone",
            f"the Subscription says {installed} is installed, but there is no such CSV",
            "Somebody deleted the CSV: delete the Subscription as well, then install again.",
            grace=GONE_GRACE,
        )
        return Decision(wish, state, installed=installed, warnings=warnings)
    state = states.csv(found, {})
    if installed == wish.csv:
        state = _companions(wish, world) or state if state.phase == DONE else state
        return Decision(wish, state, installed=installed, warnings=warnings, coming=True)
    if wish.adopt:
        if state.phase == DONE:
            state = done("Adopted", f"{installed} is installed; {wish.csv} is the tested version")
        return Decision(wish, state, adopted=True, installed=installed, warnings=warnings, coming=True)
    step = _plan_step(wish, world, subscription, expected)
    if step:
        outdated = _outdated(wish, world, subscription, step)
        return Decision(wish, step[0], approve=step[1], plan=step[2], installed=installed, warnings=warnings, outdated=outdated)
    state = failed(
        "OtherVersion",
        f"{installed} is installed, {wish.csv} is wanted, and OLM offers no plan to it",
        "Check channel and startingCSV, or allow adoption of the installed version.",
        grace=60,
    )
    return Decision(wish, state, installed=installed, warnings=warnings)


def _outdated(wish: Wish, world: World, subscription: Obj, step: tuple[State, str, str]) -> str:
    """The waiting plan of another version of this very operator, and of nothing else; the channel is the wanted one by now."""
    if step[1] or step[0].phase != FAILED or dig(subscription, "spec.channel") != wish.channel:
        return ""
    plan = next((one for one in world.plans_of(wish.namespace) if dig(one, "metadata.name") == step[2]), {})
    brings = {str(csv) for csv in dig(plan, "spec.clusterServiceVersionNames") or []}
    prefix = f"{wish.csv.partition('.')[0]}."
    return step[2] if brings and all(csv.startswith(prefix) and csv != wish.csv for csv in brings) and not dig(plan, "spec.approved") else ""


def _companions(wish: Wish, world: World) -> State | None:
    """The state of the first expected companion (dependency) in the namespace that hasn't succeeded; None: all have."""
    for name in sorted(wish.expected):
        found = world.csv(wish.namespace, name)
        if found is not None:
            state = states.csv(found, {})
            if state.phase != DONE:
                return blamed_on(state, f"ClusterServiceVersion {wish.namespace}/{name}")
    return None


def _missing(
    wish: Wish, world: World, subscription: Obj, expected: frozenset[str], warnings: tuple[str, ...]
) -> Decision:
    """No CSV is installed yet: the first thing that stands in the way, from the group to the CSV."""
    group = states.operator_groups(
        wish.namespace, [g for g in world.groups if dig(g, "metadata.namespace") == wish.namespace]
    )
    if group.phase != DONE:
        return Decision(wish, group, warnings=warnings)
    coming = world.csv(wish.namespace, wish.csv)
    if coming is not None:
        state = states.csv(coming, {})
        if state.phase == DONE:  # the Subscription's own status follows within moments, unless it isn't this Subscription's CSV
            state = states.orphan(subscription) or waiting("Succeeded", "the Subscription doesn't report it as installed yet")
        return Decision(wish, state, warnings=warnings, coming=True)
    step = _plan_step(wish, world, subscription, expected)
    if step:
        return Decision(wish, step[0], approve=step[1], plan=step[2], warnings=warnings)
    current = str(dig(subscription, "status.currentCSV") or "")
    other = world.csv(wish.namespace, current) if current not in ("", wish.csv) else None
    if other is not None:  # approved by somebody else, or by OLM itself (approval Automatic)
        state = _other_coming(wish, other, current)
        return Decision(wish, state, adopted=wish.adopt, warnings=warnings, coming=wish.adopt)
    trouble = catalogs.trouble(wish, world) or states.subscription_trouble(subscription) or _plan_gone(wish, world, subscription)
    return Decision(wish, trouble or waiting(*states.progress(subscription)), warnings=warnings)


def _plan_gone(wish: Wish, world: World, subscription: Obj) -> State | None:
    """The Subscription waits for a plan that isn't there. Where OLM hadn't written its status before it was deleted, it makes no other, and says nothing."""
    name = str(dig(subscription, "status.installPlanRef.name") or "")
    if not name or any(dig(plan, "metadata.name") == name for plan in world.plans_of(wish.namespace)):
        return None
    return states.plan_gone(f"the Subscription waits for InstallPlan {name}, which doesn't exist")


def _other_coming(wish: Wish, other: Obj, current: str) -> State:
    """Another version than the wanted one is being installed and not by us."""
    if not wish.adopt:
        return failed(
            "OtherVersion",
            f"{current} is being installed instead of {wish.csv}",
            "Remove the Subscription and that CSV, then run the operators stage.",
            grace=PLAN_GRACE,
        )
    state = states.csv(other, {})
    return waiting("Adopting", f"{current} has succeeded") if state.phase == DONE else state


def _plan_step(wish: Wish, world: World, subscription: Obj, expected: frozenset[str]) -> tuple[State, str, str] | None:
    """State, plan to approve, plan looked at - for the plan that brings the wanted CSV; None when there's none."""
    unexpected: State | None = None
    name = ""
    for plan in world.plans_of(wish.namespace):
        brings = {str(c) for c in dig(plan, "spec.clusterServiceVersionNames") or []}
        phase, approved = dig(plan, "status.phase"), bool(dig(plan, "spec.approved"))
        if wish.csv in brings and brings <= expected:
            return _expected_plan(plan, approved, phase)
        if not approved and unexpected is None and _is_for(subscription, plan, wish, brings):
            name = str(dig(plan, "metadata.name"))
            unexpected = _refused(name, wish, brings, expected)
    return (unexpected, "", name) if unexpected else None


def _expected_plan(plan: Obj, approved: bool, phase: Any) -> tuple[State, str, str]:
    name = str(dig(plan, "metadata.name"))
    if not approved:
        ready = phase == "RequiresApproval"
        return (
            waiting("RequiresApproval", f"InstallPlan {name} holds exactly expected versions"),
            name if ready else "",
            name,
        )
    state = states.install_plan(plan, {})
    if state.phase == DONE:
        state = waiting("PlanComplete", f"InstallPlan {name} is complete, its CSV isn't there yet")
    return state, "", name


def _is_for(subscription: Obj, plan: Obj, wish: Wish, brings: set[str]) -> bool:
    """Whether an unapproved plan concerns this wish: it brings its CSV, or its Subscription refers to the plan."""
    ref = dig(subscription, "status.installPlanRef.name") or dig(subscription, "status.installplan.name")
    return wish.csv in brings or ref == dig(plan, "metadata.name")


def _refused(name: str, wish: Wish, brings: set[str], expected: frozenset[str]) -> State:
    extra = sorted(brings - expected)
    if wish.csv in brings:
        detail = f"InstallPlan {name} would also install {', '.join(extra)}, which nobody asked for"
        repair = (
            "Move the operators to separate namespaces, or add these versions to what is expected "
            "(data/operators) after a look at them."
        )
    else:
        detail = f"InstallPlan {name} would install {', '.join(sorted(brings))} instead of {wish.csv}"
        repair = "Correct channel and startingCSV of the Subscription; the plan stays unapproved."
    return failed("UnexpectedInstallPlan", detail, repair, grace=PLAN_GRACE)


def _warnings(wish: Wish, world: World, subscription: Obj) -> list[str]:
    out = states.deprecations(subscription)
    if dig(subscription, "spec.installPlanApproval") != "Manual":
        out.append(f"{wish.key}: approval is Automatic, so OLM upgrades it without us")
    out += [
        f"{wish.key}: package {wish.package} has another Subscription {dig(s, 'metadata.namespace')}/"
        f"{dig(s, 'metadata.name')}"
        for s in world.others(wish, subscription)
    ]
    if wish.channel and dig(subscription, "spec.channel") not in (None, wish.channel):
        out.append(f"{wish.key}: channel {dig(subscription, 'spec.channel')} instead of {wish.channel}")
    return out
