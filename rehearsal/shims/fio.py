# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for ``fio``: accepts a job by command line as fio does, waits, and prints the document of ``--output-format=json`` (the fields that scripts read).

Source: axboe/fio HOWTO (command line, JSON output). Nothing is read or written: the rate comes from the settings (drives of the profile, scenario ``slow_disks``).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

SETTINGS = Path("/.rehearsal/perftest.json")
WAYS = {"read": ("read",), "randread": ("read",), "write": ("write",), "randwrite": ("write",), "rw": ("read", "write"), "randrw": ("read", "write")}


def main(argv: list[str]) -> int:
    options = dict(word.removeprefix("--").partition("=")[::2] for word in argv if word.startswith("--"))
    strange = [word for word in argv if not word.startswith("--")]
    if strange:
        print(f"fio: unable to open '{strange[0]}' job file", file=sys.stderr)
        return 1
    if options.get("rw", "read") not in WAYS or not options.get("filename"):
        print("fio: no I/O performed by fio (need filename and a known rw)", file=sys.stderr)
        return 1
    if not Path(options["filename"]).parent.is_dir():
        print(f"fio: pid=1, err=2/file:filesetup.c:174, func=open, error=No such file or directory ({options['filename']})", file=sys.stderr)
        return 1
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    seconds = float(options.get("runtime", 10))
    time.sleep(seconds * settings["scale"])
    jobs = {way: _row(settings["disk_mib"] if way in WAYS[options.get("rw", "read")] else 0.0, seconds) for way in ("read", "write")}
    document = {"fio version": "fio-3.36", "jobs": [{"jobname": options.get("name", "fio"), "error": 0, **jobs}]}
    print(json.dumps(document, indent=2) if options.get("output-format") == "json" else f"{options.get('name')}: bw={settings['disk_mib']:.0f}MiB/s")
    return 0


def _row(mib: float, seconds: float) -> dict[str, float]:
    """bw is in KiB/s, as fio has it."""
    return {"io_bytes": int(mib * 2**20 * seconds), "bw_bytes": int(mib * 2**20), "bw": int(mib * 1024), "iops": mib, "runtime": int(seconds * 1000)}
