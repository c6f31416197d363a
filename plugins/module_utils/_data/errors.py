# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this package: a data file that can't be used."""

from __future__ import annotations


class DataError(Exception):
    """What failed, in which file (and where in it), why, and what to do. The text is one message for people."""

    def __init__(self, what: str, where: str, why: str, todo: str) -> None:
        self.what, self.where, self.why, self.todo = what, where, why, todo
        super().__init__(f"{what}: {where}: {why.rstrip('.')}. {todo}")
