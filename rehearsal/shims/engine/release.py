# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between releases of vLLM, as far as it is seen from outside (pure).

Read on 2026-11-24 in the source distributions of vllm 0.11.2, 0.13.0, 0.18.0 and 0.24.0 on PyPI: vllm/v1/metrics/loggers.py, vllm/v1/core/sched/
scheduler.py, vllm/config/kv_transfer.py, vllm/distributed/kv_transfer/kv_connector/{factory.py,v1/*} and vllm/v1/kv_offload. Where a change came between
two of them, it is dated to the later one. Which release of RHOAI has which vLLM: ../vllm_flags.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.shims.vllm_flags import numbers

# (connector, first version that has it, first version that hasn't any more)
CONNECTORS = (
    ("NixlConnector", (0, 10), None),
    ("LMCacheConnectorV1", (0, 10), None),
    ("MultiConnector", (0, 10), None),
    ("P2pNcclConnector", (0, 10), (0, 24)),
    ("SharedStorageConnector", (0, 10), (0, 13)),
    ("OffloadingConnector", (0, 11), None),
    ("LMCacheMPConnector", (0, 11), None),
    ("DecodeBenchConnector", (0, 11), None),
    ("ExampleConnector", (0, 13), None),
    ("MooncakeConnector", (0, 13), None),
    ("NixlPullConnector", (0, 24), None),
)
NONE, LABELLED, FLAT = "none", "labelled", "flat"


@dataclass(frozen=True)
class Release:
    version: str

    @property
    def _at(self) -> tuple[int, ...]:
        return numbers(self.version)

    def connector(self, name: str) -> bool:
        """True when this release has a connector of that name."""
        return any(name == known and self._at >= since and (until is None or self._at < until) for known, since, until in CONNECTORS)

    @property
    def connector_series(self) -> bool:
        """External prefix cache and NIXL series: none in 0.10."""
        return self._at >= (0, 11)

    @property
    def failure_policy_key(self) -> bool:
        """``kv_load_failure_policy`` is a key of the KV transfer configuration."""
        return self._at >= (0, 13)

    @property
    def failure_policy(self) -> str:
        """What happens by default when KV blocks can't be loaded: the request is computed anew, or it fails."""
        return "fail" if self._at >= (0, 18) else "recompute"

    @property
    def failures_alone_count(self) -> bool:
        """Before 0.18 statistics of an interval in which every transfer failed were thrown away, so the failure counter stayed still."""
        return self._at >= (0, 18)

    @property
    def hits_before_load(self) -> bool:
        """External hits are counted when blocks are asked for (all but 0.13, which counts after they have come)."""
        return not (0, 13) <= self._at < (0, 18)

    @property
    def queries_without_local(self) -> bool:
        """Tokens that the local cache had aren't asked of the connector."""
        return self._at >= (0, 18)

    @property
    def offload_series(self) -> str:
        if self._at >= (0, 24):
            return FLAT
        return LABELLED if self._at >= (0, 18) else NONE

    @property
    def offload_size_key(self) -> str:
        """vllm pull request 24498, 0.14."""
        return "cpu_bytes_to_use" if self._at >= (0, 14) else "num_cpu_blocks"

    @property
    def offload_backend_is_enough(self) -> bool:
        """--kv-offloading-backend has no default before 0.18, so that --kv-offloading-size alone does nothing."""
        return self._at >= (0, 18)

    @property
    def tokens_by_source(self) -> bool:
        return self._at >= (0, 18)

    @property
    def expired_series(self) -> bool:
        return self._at >= (0, 18)

    @property
    def checks_compatibility(self) -> bool:
        return self._at >= (0, 13)

    @property
    def side_channel_port(self) -> int:
        """5557 before 0.11.1 (vllm issue 25059)."""
        return 5600 if self._at >= (0, 11, 1) else 5557
