# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How models come into pods: KServe's init container that fetches one, and images that hold one (oci://).

The first checks what the real one needs and writes a tiny model folder; the second have the same folder at /models.
"""

from __future__ import annotations

import json

from rehearsal.kubelet.runners.base import PRIVATE, PYTHON, Context, Launch, python_links, python_shim, script
from rehearsal.shims.storage_initializer import model_files

ENTRYPOINT = "/storage-initializer/scripts/initializer-entrypoint"
DOWNLOAD_SECONDS = 2.0


def launch(context: Context) -> Launch:
    settings = {"seconds": context.delay("model-download", DOWNLOAD_SECONDS),
                "download": context.scenario.get("download"),
                **{name: context.scenario.get(name) or [] for name in ("gated_models", "denied_models")}}
    return Launch(
        argv=context.command([ENTRYPOINT]),
        links={**python_links(), "/usr/local/bin/python3": PYTHON},
        files={
            ENTRYPOINT: script(python_shim("storage_initializer")),
            f"{PRIVATE}/storage.json": (json.dumps(settings), 0o644),
        },
    )


def model_image(context: Context) -> Launch:
    """A container of the model's own image. KServe runs a shell in it that offers /models to the pod's other containers."""
    files = {f"/models/{name}": (text, 0o644) for name, text in model_files(context.image).items()}
    return Launch(argv=context.command([]), files=files)
