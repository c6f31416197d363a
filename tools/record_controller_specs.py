#!/usr/bin/env python3
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the argument specs of the controller's modules, which the unit tests hold our arguments against.

python tools/record_controller_specs.py FOLDER     FOLDER holds ansible_collections/awx/awx (or ansible/controller)

PyPI's `ansible` carried awx.awx up to release 11; unpack it from there, or install ansible.controller from Automation Hub.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "tests" / "unit" / "data" / "controller_specs.json"
MODULES = (
    "credential_type", "execution_environment", "inventory", "inventory_source", "job_template", "notification_template", "project",
    "schedule", "workflow_job_template", "workflow_job_template_node",
)  # fmt: skip


class Caught(Exception):
    """Stands for the module's own class and keeps what it was called with."""

    def __init__(self, argument_spec: dict[str, Any], **rest: Any) -> None:
        super().__init__()
        self.spec = {"argument_spec": argument_spec, **rest}


def spec_of(package: str, module: str) -> dict[str, Any]:
    code = importlib.import_module(f"{package}.plugins.modules.{module}")

    def catch(**given: Any) -> None:
        raise Caught(**given)

    code.ControllerAPIModule = catch
    try:
        code.main()
    except Caught as caught:
        return caught.spec
    raise SystemExit(f"{module} doesn't begin with ControllerAPIModule(...)")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(folder))
    for namespace, name in (("ansible", "controller"), ("awx", "awx")):
        manifest = folder / "ansible_collections" / namespace / name / "MANIFEST.json"
        if manifest.exists():
            break
    else:
        print(f"Neither ansible.controller nor awx.awx is in {folder}/ansible_collections.")
        return 2
    version = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    specs = {module: spec_of(f"ansible_collections.{namespace}.{name}", module) for module in MODULES}
    OUT.write_text(json.dumps({"source": f"{namespace}.{name} {version}", "modules": specs}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{OUT}: {len(specs)} modules of {namespace}.{name} {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
