# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a cluster that isn't asked: from a must-gather or a saved snapshot. Documentation: plugins/modules/saved_snapshot.py."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._mustgather import snapshot

SPEC: dict[str, Any] = {
    "must_gather": {"type": "path"},
    "file": {"type": "path"},
    "cluster_id": {"type": "str"},
    "api_url": {"type": "str"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Reads files of the controller only; the same in check mode."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec=SPEC, mutually_exclusive=[("must_gather", "file")], required_one_of=[("must_gather", "file")]
        )
        path = os.path.expanduser(str(args["must_gather"] or args["file"]))
        try:
            found = _read(path, bool(args["must_gather"]), args["packages"], args["labels"])
        except DataError as error:
            return {**result, "failed": True, "msg": str(error)}
        wrong = snapshot.other_cluster(found, args["cluster_id"], args["api_url"])
        if wrong:
            return {
                **result,
                "failed": True,
                "msg": f"Another cluster: {path}: {wrong}. Give the file of that cluster.",
            }
        return {**result, "changed": False, "snapshot": found, "_ansible_verbose_override": True}


def _read(path: str, must_gather: bool, packages: list[str], labels: list[str]) -> dict[str, Any]:
    if not must_gather:
        return snapshot.of_file(path)
    catalog = files.load(files.ROOT / "accelerators.yml", "accelerators")
    read_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return snapshot.of_must_gather(path, catalog, list(packages), read_at, list(labels))
