# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that run a command of their own: OpenShift's ``tools`` image has a shell, Python 3 and curl, and so has this machine."""

from __future__ import annotations

import os

from rehearsal.kubelet.runners.base import PYTHON, Context, Launch, python_links

ENTRYPOINT = ["/bin/bash"]


def launch(context: Context) -> Launch:
    links = {**python_links(), "/usr/local/bin/python3": PYTHON}
    if not os.path.exists("/usr/bin/python3"):
        links["/usr/bin/python3"] = PYTHON
    return Launch(argv=context.command(ENTRYPOINT), links=links)
