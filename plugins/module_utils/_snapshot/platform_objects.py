# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small kinds of which a few fields matter: StorageClasses, gateways, disruption budgets, image streams."""

from __future__ import annotations

from typing import Any

from .values import condition, dig, mapping, name_of, namespace_of, number, rows, text

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def storage_class(obj: dict[str, Any]) -> dict[str, Any]:
    """One StorageClass."""
    return {
        "name": name_of(obj),
        "provisioner": text(obj, "provisioner"),
        "default": dig(obj, "metadata", "annotations", DEFAULT_CLASS) == "true",
        "binding_mode": text(obj, "volumeBindingMode"),
    }


def gateway_class(obj: dict[str, Any]) -> dict[str, Any]:
    """One GatewayClass."""
    return {
        "name": name_of(obj),
        "controller": text(obj, "spec", "controllerName"),
        "accepted": condition(obj, "Accepted"),
    }


def gateway(obj: dict[str, Any]) -> dict[str, Any]:
    """One Gateway with its first address."""
    addresses = rows(obj, "status", "addresses")
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "class": text(obj, "spec", "gatewayClassName"),
        "programmed": condition(obj, "Programmed"),
        "address": text(addresses[0], "value") if addresses else None,
    }


def disruption_budget(obj: dict[str, Any]) -> dict[str, Any]:
    """One PodDisruptionBudget; `allowed` 0 blocks a drain."""
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "allowed": number(dig(obj, "status", "disruptionsAllowed")),
        "selector": mapping(obj, "spec", "selector"),
    }


def image_of(stream: Any, tag: str = "latest") -> str | None:
    """The image, by digest, that a tag of an ImageStream stands for now."""
    for row in rows(stream, "status", "tags"):
        if row.get("tag") == tag:
            items = rows(row, "items")
            return text(items[0], "dockerImageReference") if items else None
    return None
