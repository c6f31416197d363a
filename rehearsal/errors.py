# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that people see: what failed, on which object, why, and what to do about it."""

from __future__ import annotations

BAD_INPUT = 2
FAILED = 1


class RehearsalError(Exception):
    """A failure told in one line, without a traceback.

    ``code`` is the exit status: 2 for bad input, 1 for everything else.
    """

    def __init__(self, what: str, where: str = "", why: str = "", todo: str = "", code: int = FAILED) -> None:
        self.what = what
        self.where = where
        self.why = why
        self.todo = todo
        self.code = code
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.what} ({self.where})" if self.where else self.what
        text = f"{head}: {self.why}" if self.why else head
        return f"{text}. {self.todo}" if self.todo else text
