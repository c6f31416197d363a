# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders in, one JSON document out."""

from __future__ import annotations

import json
import os
import sys

from .measure import measure

MOST = 3_000_000  # characters of the document: more than that a Pod's log isn't made for


def main() -> int:
    """Exit code 0 when a document of measurements was printed, 1 when there were no orders."""
    try:
        with open(os.environ.get("LLMD_PLAN", "/proof/plan.json"), encoding="utf-8") as stream:
            plan = json.load(stream)
    except (OSError, ValueError) as error:
        say(json.dumps({"format": 1, "faults": {"plan": str(error)}}))
        return 1
    document = json.dumps(measure(plan, say), separators=(",", ":"))
    if len(document) > MOST:
        why = f"the measurements are {len(document)} characters, more than {MOST}: measure a smaller service"
        document = json.dumps({"format": 1, "faults": {"document": why}})
    say(document)
    return 0


def say(line: str) -> None:
    """One line of the Pod's log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
