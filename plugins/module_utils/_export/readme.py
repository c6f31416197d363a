# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README of an export: the order, what to wait for, what to approve, and what isn't in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._apply.manifests import describe
from .waves import Export, Wave


def readme(made: Export, plan: Mapping[str, Any], declared: Mapping[str, Any], brought: Mapping[str, list[str]]) -> str:
    """:param plan: contract 3.5. :param declared: the declaration. :param brought: package -> CSVs that OLM installs along with it."""
    lines = [
        f"# {declared.get('path')} on OpenShift AI {declared.get('release')}",
        "",
        "Written by `llmd.openshift` (`site.yml -e llmd_export=DIR`). The same declaration and cluster give the same files; don't edit them, export again.",
        "Argo CD applies them by their sync waves. With `kubectl`, apply one file after the other, and wait as the table says:",
        "",
        "```",
        "kubectl apply -f FILE",
        "```",
        "",
        "| wave | file | objects | wait before it |",
        "|---|---|---|---|",
        *(_row(wave) for wave in made.waves),
        "",
        *_approvals(plan, brought),
        *_by_hand(made, plan, declared),
        "## Afterwards",
        "",
        "`ansible-playbook playbooks/verify.yml` proves the path and changes nothing. The objects carry no label of ours, so `teardown.yml` leaves them alone.",
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(wave: Wave) -> str:
    objects = ", ".join(describe(obj) for obj in wave.objects)
    waits = [*(_condition(one) for one in wave.before), *([f"served: {', '.join(wave.kinds)}"] if wave.kinds else [])]
    return f"| {wave.number} | `{wave.file}` | {objects} | {'; '.join(waits) or 'nothing'} |"


def _condition(target: Mapping[str, Any]) -> str:
    place = f"{target['namespace']}/" if target.get("namespace") else ""
    return f"{target['kind']} {place}{target.get('name') or target.get('label_selector')} is {target.get('until') or 'ready'}"


def _approvals(plan: Mapping[str, Any], brought: Mapping[str, list[str]]) -> list[str]:
    """Approval is Manual, so that OLM never walks on by itself: somebody says yes to exactly these."""
    operators = [one for one in plan.get("operators") or [] if one["action"] in ("install", "keep")]
    if not operators:
        return []
    rows = [f"| {one['namespace']} | {one['subscription']} | {', '.join(_csvs(one, brought))} |" for one in operators]
    return [
        "## Approvals",
        "",
        "Every Subscription has `installPlanApproval: Manual`. Approve the InstallPlan of each namespace when it holds exactly these versions:",
        "",
        "| namespace | Subscription | ClusterServiceVersions |",
        "|---|---|---|",
        *rows,
        "",
        "```",
        "kubectl get installplan -n NAMESPACE -o custom-columns=NAME:.metadata.name,CSVS:.spec.clusterServiceVersionNames,APPROVED:.spec.approved",
        "kubectl patch installplan NAME -n NAMESPACE --type merge -p '{\"spec\":{\"approved\":true}}'",
        "```",
        "",
    ]


def _csvs(operator: Mapping[str, Any], brought: Mapping[str, list[str]]) -> list[str]:
    return list(dict.fromkeys([*operator["expected_csvs"], *brought.get(operator["package"], [])]))


def _by_hand(made: Export, plan: Mapping[str, Any], declared: Mapping[str, Any]) -> list[str]:
    rows = [f"- {name}: it holds secrets; make it by your own means" for name in made.secrets]
    secret = declared.get("model_credentials_secret")
    if secret:
        rows.append(f"- Secret {declared.get('namespace')}/{secret}: credentials of the model store; it is referred to by name")
    for pool in (plan.get("context") or {}).get("machine_pools") or []:
        rows += [f"- label `node-role.kubernetes.io/{pool['name']}` on Node {node}, which moves it to that pool" for node in pool.get("moved") or []]
    return ["## Not in these files", "", *rows, ""] if rows else []
