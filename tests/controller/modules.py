# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection with the names and argument specs of the controller's modules, whose modules write down what they get.

It stands in for awx.awx, which no package index carries any more; arguments that the real modules don't take fail here, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPECS = Path(__file__).resolve().parents[1] / "unit/data/controller_specs.json"
MODULE = '''\
#!/usr/bin/python
import json, os
from ansible.module_utils.basic import AnsibleModule, env_fallback
SPEC = json.loads({spec!r})
AUTH = {{
    "controller_host": {{"fallback": (env_fallback, ["CONTROLLER_HOST"])}},
    "controller_oauthtoken": {{"no_log": True, "fallback": (env_fallback, ["CONTROLLER_OAUTH_TOKEN"])}},
}}
module = AnsibleModule(argument_spec={{**AUTH, **SPEC["argument_spec"]}}, mutually_exclusive=SPEC.get("mutually_exclusive") or [], supports_check_mode=True)
if not module.params["controller_host"]:
    module.fail_json(msg="There was an unknown error when trying to connect to 127.0.0.1")
given = {{key: value for key, value in module.params.items() if value is not None and not key.startswith("controller_")}}
path = os.environ["CONTROLLER_RECORD"]
known = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
with open(path, "a") as record:
    record.write(json.dumps([{name!r}, given]) + "\\n")
module.exit_json(changed=[{name!r}, given] not in known)
'''


def write(collections: Path) -> None:
    """Makes ansible_collections/awx/awx below *collections*."""
    folder = collections / "ansible_collections/awx/awx/plugins/modules"
    folder.mkdir(parents=True)
    for name, spec in json.loads(SPECS.read_text())["modules"].items():
        (folder / f"{name}.py").write_text(MODULE.format(name=name, spec=json.dumps(spec)))


def recorded(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """What the modules got, in order."""
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
