# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides for each object of ours: it goes, or it stays and why. In the order of the table, since what goes no longer needs what comes after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._plan.model import Disruption, cost
from . import namespaces, operators
from .model import Found, Item, Machine, values
from .table import Kind, Stage, Table, User

NODE_ROLE = "node-role.kubernetes.io/"
MC_ROLE = "machineconfiguration.openshift.io/role"
POOLS = "machineconfigpools.machineconfiguration.openshift.io"
CONFIGS = "machineconfigs.machineconfiguration.openshift.io"
SUBSCRIPTIONS = "subscriptions.operators.coreos.com"
NAMESPACES = "namespaces"


@dataclass(frozen=True)
class Wishes:
    """What was asked for, and what is permitted. brings: package -> packages that OLM installs with it;
    operator_namespaces: where the operators live."""

    data: bool = False
    operators: bool = False
    allowed: frozenset[str] = frozenset()
    brings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operator_namespaces: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Removal:
    """One step: what goes, in this order; what stays and why; nodes that leave a pool of ours; what goes by itself before."""

    step: Stage
    going: tuple[Item, ...] = ()
    kept: tuple[tuple[Item, str], ...] = ()
    leaving: tuple[tuple[Machine, str], ...] = ()
    followers: tuple[Item, ...] = ()
    disruption: Disruption = field(default_factory=Disruption)


@dataclass
class State:
    """What is known while the steps are decided. going: uids of all that goes so far."""

    table: Table
    found: Found
    wishes: Wishes
    disruptions: Mapping[str, Mapping[str, Any]]
    going: set[str] = field(default_factory=set)

    def goes(self, item: Item) -> bool:
        """Whether it goes, by itself or with one of its owners."""
        return item.uid in self.going or not self.going.isdisjoint(item.owners)


def decide(table: Table, found: Found, wishes: Wishes, disruptions: Mapping[str, Mapping[str, Any]]) -> list[Removal]:
    state = State(table, found, wishes, disruptions)
    return [_step(state, step) for step in table.steps]


def _step(state: State, step: Stage) -> Removal:
    going: list[Item] = []
    kept: list[tuple[Item, str]] = []
    followers: list[Item] = []
    costs: list[Disruption] = []
    for kind in step.kinds:
        for item in state.found.ours.get(kind.resource, ()):
            price = _price(state, kind, item)
            why = _unwanted(state, step, item) or _forbidden(state, price) or _needed(state, kind, item)
            if why:
                kept.append((item, why))
                continue
            gone = operators.with_company(state, item) if kind.resource == SUBSCRIPTIONS else [item]
            # What is deleted by itself is awaited where that is done: waiting for it here would never end.
            followers += [user for user in _candidates(state, kind, item) if user.uid not in {item.uid, *state.going} and state.goes(user)]
            state.going |= {one.uid for one in gone}
            going += gone
            costs.append(price)
    leaving = _leaving(state, going)
    return Removal(step, tuple(going), tuple(kept), leaving, _unique(followers), _sum(costs))


def _unwanted(state: State, step: Stage, item: Item) -> str:
    if item.against:
        return item.against
    asked = {"llmd_teardown_data": state.wishes.data, "llmd_teardown_operators": state.wishes.operators}
    return f"removed with {step.only_with}: true only" if step.only_with and not asked[step.only_with] else ""


def _price(state: State, kind: Kind, item: Item) -> Disruption:
    if not kind.disturbs:
        return Disruption()
    nodes = _disturbed(state.found, kind, item)
    return cost(state.disruptions, kind.disturbs, nodes, f"{item.label} goes") if nodes else Disruption()


def _disturbed(found: Found, kind: Kind, item: Item) -> list[str]:
    """Nodes in the pool of a MachineConfig (or the pool itself), or with the resource that the kind brings."""
    if kind.resource == POOLS:
        return [machine.name for machine in found.machines if machine.pool == item.name or NODE_ROLE + item.name in machine.labels]
    if kind.resource == CONFIGS:
        roles = values(item.data, ("metadata", "labels", MC_ROLE))
        return [machine.name for machine in found.machines if machine.pool in roles]
    return [machine.name for machine in found.machines if any(name.startswith(kind.pods or "\0") for name in machine.resources)]


def _forbidden(state: State, price: Disruption) -> str:
    missing = [kind for kind in price.kinds if kind not in state.wishes.allowed]
    if not missing:
        return ""
    return f"its removal means {' and '.join(missing)} on {', '.join(price.nodes)}; permit it with llmd_allow_disruption: [{', '.join(price.kinds)}]"


def _needed(state: State, kind: Kind, item: Item) -> str:
    """Who else needs it; also why that can't be known."""
    blind = sorted({user.resource for user in kind.users} & state.found.unread)
    if blind:
        return f"whether somebody needs it isn't known: {', '.join(blind)} may not be listed"
    holders = [user for user in _candidates(state, kind, item) if user.uid != item.uid and not state.goes(user) and item.uid not in user.owners]
    if kind.resource == NAMESPACES:
        return namespaces.inhabited(state, item) or (f"{names(holders)} {'is' if len(holders) == 1 else 'are'} in it" if holders else "")
    if holders:
        return f"{names(holders)} need{'s' if len(holders) == 1 else ''} it"
    return operators.needed(state, item) if kind.resource == SUBSCRIPTIONS else ""


def _candidates(state: State, kind: Kind, item: Item) -> list[Item]:
    """Objects and pods that name this one, whoever they belong to."""
    found = [one for user in kind.users for one in state.found.users.get(user.resource, ()) if _names(user, one, item)]
    if kind.resource == NAMESPACES:
        found += namespaces.contents(state, item)
    if kind.pods:
        found += [pod for pod in state.found.pods if any(str(name).startswith(kind.pods) for name in pod.data.get("resources", ()))]
    return found


def _names(user: User, one: Item, item: Item) -> bool:
    if not user.at:
        return True
    return (user.equals or getattr(item, user.same)) in values(one.data, user.at)


def _leaving(state: State, going: list[Item]) -> tuple[tuple[Machine, str], ...]:
    """Nodes that carry the label of a pool that goes."""
    pools = [item.name for item in going if item.resource == POOLS]
    labels = [NODE_ROLE + pool for pool in pools]
    return tuple((machine, label) for machine in state.found.machines for label in labels if label in machine.labels)


def names(items: Iterable[Item], shown: int = 3) -> str:
    """The first ones by name, and how many more."""
    labels = [item.label for item in items]
    more = f" and {len(labels) - shown} more" if len(labels) > shown else ""
    return ", ".join(labels[:shown]) + more


def _unique(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple({item.uid: item for item in items}.values())


def _sum(costs: list[Disruption]) -> Disruption:
    """The costs of one step, whose objects share their restarts: the longest counts."""
    kinds = tuple(dict.fromkeys(kind for one in costs for kind in one.kinds))
    nodes = tuple(dict.fromkeys(node for one in costs for node in one.nodes))
    why = "; ".join(dict.fromkeys(one.why for one in costs if one.kinds))
    return Disruption(kinds, nodes, max((one.minutes for one in costs), default=0), why)
