# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.prove: the verdict over measurements (see plugins/modules/prove.py)."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._proof import verdict


class ActionModule(ActionBase):
    """Judges what inference_probe measured; touches nothing."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The proof as fact ``llmd_proof``, and in words."""
        super().run(tmp, task_vars)
        spec = {
            "path": {"type": "str", "choices": list(verdict.PATHS), "required": True},
            "measurements": {"type": "dict", "required": True},
        }
        _validation, args = self.validate_argument_spec(argument_spec=spec)
        proof = verdict.prove(args["path"], json.loads(json.dumps(args["measurements"])))
        return {"changed": False, "proof": proof, "msg": verdict.summary(proof)}
