# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OLM finds on a fresh cluster: its configuration, the catalogs, and the global OperatorGroup."""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.seeds.common import Object, make

CATALOGS = {"redhat-operators": ("Red Hat Operators", -100), "certified-operators": ("Certified Operators", -200)}


def objects(addresses: Mapping[str, str]) -> list[Object]:
    """OLMConfig, one CatalogSource per address, OperatorGroup ``global-operators`` of openshift-operators."""
    return [
        make("operators.coreos.com/v1", "OLMConfig", "cluster", spec={"features": {"disableCopiedCSVs": False}}),
        make("operators.coreos.com/v1", "OperatorGroup", "global-operators", "openshift-operators", spec={}),
        *(_catalog(name, address) for name, address in addresses.items()),
    ]


def _catalog(name: str, address: str) -> Object:
    display, priority = CATALOGS.get(name, (name, 0))
    # A real source names an image and OLM runs its pod; here the same server is already running at an address.
    spec = {
        "displayName": display,
        "publisher": "Red Hat",
        "sourceType": "grpc",
        "address": address,
        "priority": priority,
    }
    return make("operators.coreos.com/v1alpha1", "CatalogSource", name, "openshift-marketplace", spec=spec)
