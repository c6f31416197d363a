# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of other tools on the controller, read with the digest that tells later which file it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def digested(file: Path, read: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What *read* makes of the file's text, and `sha256`. :raises OSError, ValueError: (also UnicodeDecodeError and UnknownFormat)."""
    content = file.read_bytes()
    return {**read(content.decode("utf-8")), "sha256": hashlib.sha256(content).hexdigest()}
