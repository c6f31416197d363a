# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does and looks at by kubectl when operators are installed. Nothing of the collection."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

SUBSCRIPTIONS = "subscriptions.operators.coreos.com"
PLANS = "installplans.operators.coreos.com"
MARKETPLACE = "openshift-marketplace"
Obj = dict[str, Any]


def wait_for(look: Callable[[], Any], seconds: float = 90.0, pause: float = 0.5) -> Any:
    """The first true answer of ``look``; an object that isn't there yet counts as no."""
    end = time.monotonic() + seconds
    last: Any = None
    while time.monotonic() < end:
        try:
            if last := look():
                return last
        except (AssertionError, KeyError) as error:  # kubectl: not found, not served yet; no status yet
            last = error
        time.sleep(pause)
    raise AssertionError(f"not within {seconds:.0f} s; last: {last}")


def apply(one: Any, *objects: Obj) -> None:
    one.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(obj) for obj in objects))


def subscribe(
    one: Any, namespace: str, package: str, channel: str, *, catalog: str = "redhat-operators", starting: str = "",
    approval: str = "Automatic", group: Obj | None = None, name: str = "",
) -> None:
    """Namespace, OperatorGroup (``group``: its spec; None = no group) and Subscription."""
    objects: list[Obj] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    if group is not None:
        meta = {"name": f"{package}-group", "namespace": namespace}
        objects.append({"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": meta, "spec": group})
    spec = {"name": package, "channel": channel, "source": catalog, "sourceNamespace": MARKETPLACE, "installPlanApproval": approval}
    if starting:
        spec["startingCSV"] = starting
    meta = {"name": name or package, "namespace": namespace}
    objects.append({"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": meta, "spec": spec})
    apply(one, *objects)


def plan_of(one: Any, namespace: str, csv: str) -> Obj | None:
    """The InstallPlan that holds this CSV."""
    plans = one.get(PLANS, "-n", namespace)["items"]
    return next((plan for plan in plans if csv in plan["spec"]["clusterServiceVersionNames"]), None)


def approve(one: Any, namespace: str, csv: str) -> None:
    """Once the plan waits for it: approved while OLM still writes it, a plan is lost."""
    plan = wait_for(lambda: (found := plan_of(one, namespace, csv)) and found["status"]["phase"] == "RequiresApproval" and found)
    one.kubectl("patch", PLANS, plan["metadata"]["name"], "-n", namespace, "--type", "merge", "-p", '{"spec":{"approved":true}}')


def condition(obj: Obj, kind: str) -> Obj:
    """A condition of an object, {} when it has none of this type."""
    return next((c for c in (obj.get("status") or {}).get("conditions") or [] if c["type"] == kind), {})


def subscription(one: Any, namespace: str, name: str) -> Obj:
    found: Obj = one.get(SUBSCRIPTIONS, name, "-n", namespace)
    return found
