# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.prove: the verdict over measurements (see plugins/modules/prove.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.llmd.openshift.plugins.module_utils._benchmark import commands, results
from ansible_collections.llmd.openshift.plugins.module_utils._data.evidence import UnknownFormat
from ansible_collections.llmd.openshift.plugins.module_utils._proof import verdict
from ansible_collections.llmd.openshift.plugins.plugin_utils._evidence import digested


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
            "benchmark_results": {"type": "str"},
        }
        _validation, args = self.validate_argument_spec(argument_spec=spec)
        measured = json.loads(json.dumps(args["measurements"]))
        proof = verdict.prove(args["path"], measured)
        url, model = str(proof["endpoints"].get("url") or ""), str(measured.get("model") or "")
        proof["benchmark"] = {"commands": commands.ready(args["path"], url, model, measured.get("auth") is not False), "result": None}
        if args["benchmark_results"]:
            try:
                file = Path(args["benchmark_results"]).expanduser()
                proof["benchmark"]["result"] = {**digested(file, results.read), "file": str(file)}
            except (OSError, UnicodeDecodeError, UnknownFormat) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                text = f"Can't read the benchmark's result {args['benchmark_results']}: {why}. Give the JSON file that GuideLLM or inference-perf wrote."
                return {"failed": True, "changed": False, "msg": text}
        return {"changed": False, "proof": proof, "msg": verdict.summary(proof)}
