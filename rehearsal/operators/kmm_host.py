# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which drivers of the kernel itself are loaded on a node: by its hardware, unless its configuration blacklists them (pure).

Sources: modprobe.d(5) (`blacklist`), the kernel's documentation of `module_blacklist` and dracut's of `rd.driver.blacklist`;
ROCm/gpu-operator docs/installation/openshift-olm.md, docs/knownlimitations.md no. 3 (an inbox amdgpu makes the installation fail).
Which file of /etc/modprobe.d is read late does not matter here: a blacklist counts from the boot after it was written.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

INBOX_VENDORS = {"amdgpu": "amd", "nouveau": "nvidia"}
ARGUMENTS = ("modprobe.blacklist", "module_blacklist", "rd.driver.blacklist")


def inbox_loaded(module: str, server: Mapping[str, Any], config: Mapping[str, Any] | None) -> bool:
    """True when the node runs the kernel's own driver of that name. `config`: the rendered MachineConfig that the node booted with."""
    vendor = INBOX_VENDORS.get(module)
    there = any(gpu["vendor"] == vendor and gpu.get("health", "ok") == "ok" for gpu in server.get("gpus") or [])
    return there and not blacklisted(module, config or {})


def blacklisted(module: str, config: Mapping[str, Any]) -> bool:
    """True when a rendered MachineConfig's files or kernel arguments keep a module from being loaded by its device."""
    for argument in config.get("kernelArguments") or []:
        for word in str(argument).split():
            name, _, value = word.partition("=")
            if name in ARGUMENTS and module in value.split(","):
                return True
    files = ((config.get("config") or {}).get("storage") or {}).get("files") or []
    texts = [content(str((item.get("contents") or {}).get("source") or "")) for item in files if item["path"].startswith("/etc/modprobe.d/")]
    return any(re.search(rf"^\s*(blacklist\s+{module}|install\s+{module}\s+/bin/(true|false))\s*$", text, re.MULTILINE) for text in texts)


def content(source: str) -> str:
    """Text of a data URL of Ignition; "" for any other source or a broken one."""
    head, comma, body = source.partition(",")
    if not comma or not head.startswith("data:"):
        return ""
    if not head.endswith(";base64"):
        return unquote(body)
    try:
        return base64.b64decode(body).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
