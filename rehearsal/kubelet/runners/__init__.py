# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container image stands for: each runner says how its program is started in place of the image's own."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.kubelet.runners import gateway, perftest, picker, plain, storage, vllm
from rehearsal.kubelet.runners.base import Context, Launch

Runner = Callable[[Context], "Launch | None"]  # None: the container is reported as running, without a process


def pause(_context: Context) -> None:
    """A container whose image has no program here."""
    return


RUNNERS: dict[str, Runner] = {
    "vllm": vllm.launch,
    "epp": picker.endpoint_picker,
    "disagg-sidecar": picker.disagg_sidecar,
    "gateway": gateway.launch,
    "python": plain.launch,
    "perftest": perftest.launch,
    "storage-initializer": storage.launch,
    "model-image": storage.model_image,
    "pause": pause,
}

__all__ = ["RUNNERS", "Context", "Launch", "Runner"]
