# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM's OffloadingConnector: blocks are copied to the CPU's memory once they are computed, and come back when the GPU has lost them.

vllm/distributed/kv_transfer/kv_connector/v1/offloading*: stores follow computation, not eviction; a load needs a prefix that is in CPU memory and no
more on the GPU. Series by release: release.py. ``silent`` (scenario): configured and logged as always, yet no block is ever stored.
"""

from __future__ import annotations

from rehearsal.shims.engine.cache import BlockCache
from rehearsal.shims.engine.log import engine_name, say
from rehearsal.shims.engine.release import FLAT, NONE, Release
from rehearsal.shims.engine.series import Registry

LOAD, STORE = "CPU_to_GPU", "GPU_to_CPU"
BUCKETS = (1e6, 5e6, 10e6, 20e6, 40e6, 60e6, 80e6, 100e6, 150e6, 200e6)
BYTES_PER_SECOND = 25e9  # PCIe 5 x16, about half of its peak


class Offload:
    def __init__(self, rank: int, blocks: int, block_bytes: int, release: Release, registry: Registry, silent: bool) -> None:
        self._cpu = BlockCache(blocks)
        self._bytes, self._silent = block_bytes, silent
        self._series = Series(release, registry)
        say(f"Creating v1 connector with name: OffloadingConnector and engine_id: dp{rank}", "factory.py:64", engine_name(rank))
        say(f"Allocating {max(blocks, 1)} CPU tensors...", "cpu_gpu.py:245", engine_name(rank))

    def lookup(self, hashes: list[int]) -> int:
        """Blocks that could be loaded, counted from the first of these."""
        return self._cpu.prefix(hashes)

    def load(self, blocks: int) -> None:
        if blocks:
            self._series.moved(LOAD, blocks * self._bytes, blocks * self._bytes / BYTES_PER_SECOND)

    def store(self, hashes: list[int]) -> int:
        """Blocks that have been computed; returns how many were new to the CPU."""
        if self._silent:
            return 0
        new = self._cpu.add(hashes)
        if new:
            self._series.moved(STORE, new * self._bytes, new * self._bytes / BYTES_PER_SECOND)
        self._series.used(len(self._cpu) / max(self._cpu.capacity, 1))
        return new


class Series:
    """The connector's series, as this release has them."""

    def __init__(self, release: Release, registry: Registry) -> None:
        self._style = release.offload_series
        if self._style == NONE:
            return
        # 0.18 shows a label's value with its first transfer, 0.24 from the start
        both = [LOAD, STORE] if self._style == FLAT else []
        self._total = registry.counter("vllm:kv_offload_total_bytes", "Number of bytes offloaded by KV connector", transfer_type=both)
        self._time = registry.counter("vllm:kv_offload_total_time", "Total time measured by all KV offloading operations", transfer_type=both)
        self._size = registry.histogram("vllm:kv_offload_size", "Histogram of KV offload transfer size, in bytes.", BUCKETS, transfer_type=both)
        if self._style == FLAT:
            words = {LOAD: ("load", "from offload storage to GPU"), STORE: ("store", "from GPU to offload storage")}
            self._flat = {
                kind: (registry.counter(f"vllm:kv_offload_{word}_bytes", f"Total bytes {word} {way}."),
                       registry.counter(f"vllm:kv_offload_{word}_time", f"Total {word} time {way}, in seconds."),
                       registry.histogram(f"vllm:kv_offload_{word}_size", f"Histogram of KV offload {word} operation size, in bytes.", BUCKETS))
                for kind, (word, way) in words.items()}
            self._usage = registry.gauge("vllm:kv_offload_cpu_cache_usage_perc", "Fraction of the CPU offload cache in use.")

    def moved(self, kind: str, size: int, seconds: float) -> None:
        if self._style == NONE:
            return
        self._total.add(size, kind)
        self._time.add(seconds, kind)
        self._size.observe(size, kind)
        if self._style == FLAT:
            total, time, sizes = self._flat[kind]
            total.add(size)
            time.add(seconds)
            sizes.observe(size)

    def used(self, share: float) -> None:
        if self._style == FLAT:
            self._usage.current = share
