# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of a played vLLM: one process in front of llm-d-inference-sim that adds what the simulator lacks (KV transfer between pods,
CPU offload, data-parallel groups, vLLM's own names of series). Runs inside pods, with the standard library only.

    server.py   the API server: routes, load balancing over ranks, /metrics of all of them
    core.py     one rank: block cache + connectors + one simulator
    nixl.py ucx.py offload.py   the KV connectors;   connectors.py   which of them a command line asks for
    group.py    how the pods of a data-parallel group find each other
    cache.py prompt.py series.py web.py release.py log.py   small parts
"""
