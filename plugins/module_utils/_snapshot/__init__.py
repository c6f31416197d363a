# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From raw API objects to the snapshot of docs/architecture.md 3.3: one normaliser a file, all pure.

Every normaliser takes whatever an API may answer (missing fields, wrong types, hostile strings) and never raises:
what can't be read becomes `None`, which means "unknown".
"""
