# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all stand-in operators: `python -m rehearsal.operators --settings <state>/run/settings.json`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.operators.engine import Engine
from rehearsal.operators.settings import Settings


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 0, or 2 when the settings cannot be used."""
    parser = argparse.ArgumentParser(prog="rehearsal.operators", description=__doc__)
    parser.add_argument("--settings", required=True, type=Path, help="settings file that the supervisor wrote")
    parser.add_argument("--debug", action="store_true", help="log every reconcile")
    args = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    try:
        engine = Engine(Settings.load(args.settings))
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    engine.start()
    ended.wait()
    engine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
