# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a roll-out of machine settings is, and whether another machine may begin. Pure: the caller has the clock.

The machine-config-operator gives a node its next configuration by an annotation, and the node's daemon answers by others.
Source: openshift/machine-config-operator docs/MachineConfigDaemon.md, pkg/daemon/constants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._assess.look import dig, mapping, names, rows, text

PREFIX = "machineconfiguration.openshift.io/"
CURRENT, DESIRED, STATE = (f"{PREFIX}{word}" for word in ("currentConfig", "desiredConfig", "state"))
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Machine:
    """One node on its way. why: what its Ready condition says while it isn't."""

    name: str
    current: str
    desired: str
    settled: bool
    ready: bool
    why: str = ""

    def begun(self, targets: Sequence[str]) -> bool:
        return self.desired in targets

    def done(self, targets: Sequence[str]) -> bool:
        return self.current in targets and self.current == self.desired and self.settled and self.ready


def reduce(node: Row) -> Machine:
    """What of a Node tells how far it is."""
    notes = mapping(node, "metadata", "annotations")
    ready = next((row for row in rows(node, "status", "conditions") or [] if row.get("type") == "Ready"), {})
    return Machine(
        text(node, "metadata", "name") or "",
        str(notes.get(CURRENT, "")),
        str(notes.get(DESIRED, "")),
        notes.get(STATE) == "Done" and dig(node, "spec", "unschedulable") is not True,
        ready.get("status") == "True",
        text(ready, "message") or text(ready, "reason") or "it says nothing",
    )


def taken_up(rendered: Row | None, sources: Sequence[Row], own: str) -> bool:
    """Whether a rendered configuration has the present content of what it is made of (rows as `_snapshot.machine_configs.reduce` gives them).

    A MachineConfig that was changed is in the old render too, under the same name: only the content tells.
    """
    mine = next((row for row in sources if row["name"] == own), None)
    if rendered is None or mine is None:
        return False
    arguments = {argument for row in sources for argument in row["kernel_arguments"]}
    return set(rendered["kernel_arguments"]) == arguments and all(rendered["files"].get(path) == text for path, text in mine["files"].items())


def stop(machines: Sequence[Machine], targets: Sequence[str], before: frozenset[str], most: int | None, closed: str) -> str:
    """Why no further machine may begin; empty while one may, and when all have begun.

    :param before: machines that were done when the roll-out began; :param most: how many may restart in this run.
    :param closed: why the maintenance window is closed.
    """
    begun = [one.name for one in machines if one.begun(targets)]
    if len(begun) == len(machines):
        return ""
    if most is not None and len(set(begun) - before) >= most:
        return f"llmd_stop_after_nodes is {most}"
    return closed


def lost(machines: Sequence[Machine], targets: Sequence[str], away: Mapping[str, float], patience: float) -> Machine | None:
    """The first machine that has been away for too long. :param away: seconds by name."""
    return next((one for one in machines if one.begun(targets) and not one.ready and away.get(one.name, 0.0) >= patience), None)


def stopped(machines: Sequence[Machine], targets: Sequence[str], why: str, pools: Sequence[str]) -> str:
    """The message of a roll-out that was stopped on purpose."""
    done = [one.name for one in machines if one.done(targets)]
    left = [one.name for one in machines if not one.done(targets)]
    return (
        f"Stopped as declared ({why}): {len(done)} of {len(machines)} machines run with their settings ({names(done) or 'none'}); "
        f"{names(left)} didn't restart yet. MachineConfigPool {' and '.join(pools)} is paused, as its annotation llmd.openshift.io/paused-by says; "
        "run again to go on."
    )
