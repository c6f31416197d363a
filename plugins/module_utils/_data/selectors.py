# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors of Kubernetes (apimachinery meta/v1 LabelSelector). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a selector selects an object with these labels: an empty one selects all, an absent one none."""
    if not isinstance(selector, Mapping):
        return False
    wanted, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    pairs = wanted.items() if isinstance(wanted, Mapping) else ()
    rows = [row for row in expressions if isinstance(row, Mapping)] if isinstance(expressions, list) else []
    return all(labels.get(key) == value for key, value in pairs) and all(_meets(row, labels) for row in rows)


def _meets(row: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values, operator = str(row.get("key")), row.get("values") or [], row.get("operator")
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    return operator == "NotIn" and labels.get(key) not in values
