# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish -> the objects of the service, in the order in which they are needed.

Sources: reference rhoai-llmd 3.4 (auth annotation), 4.1 (spec), 4.3 (names, labels; annotations that reach the pods). The presets bring image, command,
probes and TLS; only what the path and the user need is set here.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import access, adapters, disaggregation, expert_parallel, offload, picker, presets, scheduling
from .shape import Pool, pools, smallest
from .wish import DISAGGREGATION, OFFLOAD, WIDE, Row, Wish

GATEWAY_NAME = "openshift-ai-inference"
AUTH_ANNOTATION = "security.opendatahub.io/enable-auth"


def objects(wish: Wish) -> list[Row]:
    """All objects. Raises Refused where the release, or the cluster, can't have it."""
    return [*access.objects(wish), service(wish)]


def pods(wish: Wish) -> list[Pool]:
    """The pools of pods, with all that they ask for."""
    found = pools(wish.declared, smallest(wish.nodes))
    return [offload.roomy(wish, pool) for pool in found] if wish.path == OFFLOAD else found


def leftovers(wish: Wish, wanted_objects: Sequence[Row]) -> list[Row]:
    """Objects that another path of ours may have made and these ones don't include."""
    wanted = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted_objects}
    return [obj for obj in access.possible(wish) if (obj["kind"], obj["metadata"]["name"]) not in wanted]


def service(wish: Wish) -> Row:
    """The LLMInferenceService."""
    made = sketch(wish, presets.image(wish))
    refs = presets.base_refs(wish)
    if picker.needs_arguments(wish):
        made["spec"]["router"]["scheduler"] = picker.scheduler(wish, presets.picker_arguments(wish))
    return {**made, "spec": {**made["spec"], **({"baseRefs": refs} if refs else {})}}


def sketch(wish: Wish, image: str | None = None) -> Row:
    """The service as far as it can be told without looking at the cluster's presets: what a plan needs. Raises Refused as well."""
    declared = wish.declared
    made = {
        "apiVersion": wish.dialect["api_version"],
        "kind": "LLMInferenceService",
        "metadata": {
            "name": wish.name,
            "namespace": wish.namespace,
            # Networks of the rails: up to 3.3 the service's annotations are the only way to the pods.
            "annotations": {AUTH_ANNOTATION: "true" if declared["auth"] else "false", **(wish.fabric.get("annotations") or {})},
        },
        "spec": {
            "model": {"uri": declared["model_uri"], "name": declared["model_name"]},
            "router": {
                "gateway": {"refs": [{"name": GATEWAY_NAME, "namespace": access.GATEWAY_NAMESPACE}]},
                "route": {},
                "scheduler": picker.scheduler(wish, []),
            },
            **_workload(wish, image),
        },
    }
    access.able(wish)
    adapters.able(wish)
    return made


def _workload(wish: Wish, image: str | None) -> Row:
    found = pods(wish)
    if wish.path == DISAGGREGATION:
        return disaggregation.workload(wish, found[0], found[1])
    if wish.path == WIDE:
        return expert_parallel.workload(wish, found[0])
    if wish.path == OFFLOAD:
        return offload.workload(wish, found[0], image=image)
    return scheduling.workload(wish, found[0], image=image)
