# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.export: collected objects -> manifests in waves (see plugins/modules/export.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._data import versions
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.coerce import plain
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared
from ansible_collections.llmd.openshift.plugins.module_utils._export import folder
from ansible_collections.llmd.openshift.plugins.module_utils._export.readme import readme
from ansible_collections.llmd.openshift.plugins.module_utils._export.waves import Wave, export
from ansible_collections.llmd.openshift.plugins.plugin_utils import _gathered as gathered
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import failure


class ActionModule(ActionBase):
    """Writes files on the controller alone. Without `gathered` it only looks whether the folder may be written."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            {
                "dir": {"type": "path", "required": True},
                "gathered": {"type": "path"},
                "plan": {"type": "dict", "default": {}},
                "declared": {"type": "dict", "default": {}},
                "snapshot": {"type": "dict", "default": {}},
            }
        )
        args = plain(given)
        target = Path(args["dir"])
        try:
            folder.refuse_foreign(target)
            if not args["gathered"]:
                return {**result, "changed": False, "dir": str(target)}
            made = export(gathered.taken(Path(args["gathered"])))
            contents = {wave.file: _manifests(wave) for wave in made.waves}
            contents["README.md"] = readme(made, args["plan"], args["declared"], _brought(args["snapshot"]))
            changed = folder.write(target, contents, bool(self._task.check_mode))
        except Misdeclared as error:
            return {**result, **failure(str(error), error)}
        except DataError as error:
            return {**result, **failure(str(error))}
        except OSError as error:
            return {**result, **failure(f"The export can't be written: {target}: {error.strerror}. Name a folder that may be written.")}
        return {**result, "changed": bool(changed), "dir": str(target), "files": sorted(contents), "written": changed}


def _brought(snapshot: dict[str, Any]) -> dict[str, list[str]]:
    """CSVs on the cluster that came along with another package."""
    there = [str(row["name"]) for row in snapshot.get("csvs") or []]
    found = {}
    for package, row in facts().operators.items():
        prefixes = [other["csv_prefix"] for other in row.get("brings", [])]
        found[package] = sorted(name for name in there if any(versions.of_csv(name, prefix) for prefix in prefixes))
    return found


def _manifests(wave: Wave) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return "".join("---\n" + yaml.dump(obj, Dumper=dumper, sort_keys=True, allow_unicode=True, width=4096) for obj in wave.objects)
