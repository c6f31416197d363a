# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the endpoint picker, where the release's own default isn't what is wanted. That is so for precise prefix routing only.

Sources: reference rhoai-llmd 5.0 (defaults, plugins by release), 5.1; samples precise-prefix-kv-cache-routing of red-hat-data-services/kserve rhoai-3.3
and rhoai-3.4 (the latter names a plugin in its profile that it doesn't declare).
"""

from __future__ import annotations

import json

from .dialects import releases_with
from .scheduling import BLOCK_TOKENS, EVENTS_PORT, HASH_SEED, precise
from .wish import SCHEDULING, Refused, Row, Wish

SCORER = "precise-prefix-cache-scorer"
TOKENIZERS = "/mnt/tokenizers"


def scheduler(wish: Wish, arguments: list[str]) -> Row:
    """spec.router.scheduler of the service; empty leaves everything to the release. arguments: those of the preset, where needs_arguments."""
    able(wish)
    if not precise(wish):
        return {}
    if wish.dialect["picker"]["config"] == "inline":
        return {"config": {"inline": _configuration(_scorer_of_3_4(), ["queue-scorer", "kv-cache-utilization-scorer"])}}
    # JSON is YAML too, and gives the same text every time.
    text = json.dumps(_configuration(_scorer_of_3_3(), ["load-aware-scorer"]), separators=(",", ":"))
    main = {
        "name": "main",
        "args": [*arguments, wish.dialect["picker"]["flag"], text],
        "env": [{"name": "HF_HOME", "value": TOKENIZERS}],
        "volumeMounts": [{"name": "tokenizers", "mountPath": TOKENIZERS}],
    }
    return {"template": {"containers": [main], "volumes": [{"name": "tokenizers", "emptyDir": {}}]}}


def needs_arguments(wish: Wish) -> bool:
    """Whether the configuration goes among the picker's arguments, whose list it replaces as a whole."""
    return precise(wish) and wish.dialect["picker"]["config"] == "args"


def able(wish: Wish) -> None:
    """Raises Refused where the path or the release can't route as declared."""
    if not precise(wish):
        return
    if wish.path != SCHEDULING:
        raise Refused(f"llmd_prefix_routing: precise goes with {SCHEDULING} only, and {wish.path} is declared. Remove it, or change llmd_path.")
    if wish.dialect["picker"]["precise"] is None:
        raise Refused(
            f"llmd_prefix_routing: RHOAI {wish.release} can't route by precise prefixes, since its picker's Service has no port for vLLM's KV events."
            f" Choose llmd_release {releases_with(lambda row: row['picker']['precise'])}, or leave llmd_prefix_routing out."
        )


def _configuration(scorer: Row, others: list[str]) -> Row:
    weighted = [{"pluginRef": SCORER, "weight": 3}, *({"pluginRef": name, "weight": 2} for name in others), {"pluginRef": "max-score-picker"}]
    plugins = [{"type": "single-profile-handler"}, scorer, *({"type": name} for name in others), {"type": "max-score-picker"}]
    return {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": plugins,
        "schedulingProfiles": [{"name": "default", "plugins": weighted}],
    }


def _scorer_of_3_3() -> Row:
    """The picker downloads the model's tokenizer from Hugging Face."""
    indexer = {"tokenProcessorConfig": _tokens(), "tokenizersPoolConfig": {"hf": {"tokenizersCacheDir": TOKENIZERS}}}
    return {"type": SCORER, "parameters": {"kvEventsConfig": {**_events(), "topicFilter": "kv"}, "indexerConfig": indexer}}


def _scorer_of_3_4() -> Row:
    """A container beside the picker has the tokenizer; KServe adds how it is reached."""
    return {"type": SCORER, "parameters": {"tokenProcessorConfig": _tokens(), "kvEventsConfig": _events()}}


def _tokens() -> Row:
    return {"blockSize": BLOCK_TOKENS, "hashSeed": HASH_SEED}


def _events() -> Row:
    return {"zmqEndpoint": f"tcp://*:{EVENTS_PORT}"}
