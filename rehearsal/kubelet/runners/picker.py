# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""llm-d's own Go programs: they run unchanged, with the pod's own flags, under the path that they have in their images."""

from __future__ import annotations

from rehearsal.kubelet.runners.base import Context, Launch

PICKER = "/app/epp"
SIDECAR = "/app/pd-sidecar"


def endpoint_picker(context: Context) -> Launch:
    return Launch(argv=context.command([PICKER]), links={PICKER: context.binary("epp")})


def disagg_sidecar(context: Context) -> Launch:
    """Presets leave empty arguments where a flag is switched off; this version of the sidecar takes none."""
    argv = [word for word in context.command([SIDECAR]) if word]
    return Launch(argv=argv, links={SIDECAR: context.binary("pd-sidecar")})
