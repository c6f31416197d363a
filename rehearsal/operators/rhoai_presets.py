# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The presets (LLMInferenceServiceConfig) of a release, made at run time from those that KServe's Go module carries.

Names, images, flags and route rules are put into the release's dialect. What is taken out must be there: an anchor that
isn't found raises ValueError, so that a newer module can't silently give presets of the wrong dialect.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import yaml

from rehearsal.operators.rhoai_release import Release

Obj = dict[str, Any]
PREFIX = "kserve-"
WELL_KNOWN = {"serving.kserve.io/well-known-config": "true"}
TENSOR = re.compile(r"\{\{- if [^}]*Parallelism\.Tensor \}\} --tensor-parallel-size \{\{[^}]*\}\}\{\{- end \}\}")
PUBLISHED = re.compile(r' "publishers/\{\{ \.ObjectMeta\.Namespace \}\}/models/\{\{ \.Spec\.Model\.Name \}\}"')
PICKER_FLAGS = ["--secure-serving", "--model-server-metrics-scheme", "https", "--cert-path", "/var/run/kserve/tls"]


def read(folder: Path) -> dict[str, Obj]:
    """Upstream's presets by name without prefix (`config-llm-template`)."""
    found = {}
    for path in sorted(folder.glob("config-*.yaml")):
        for obj in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if obj and obj.get("kind") == "LLMInferenceServiceConfig":
                found[obj["metadata"]["name"].removeprefix(PREFIX)] = obj
    return found


def presets(upstream: dict[str, Obj], release: Release, namespace: str) -> list[Obj]:
    """All presets of the release, named and worded as there."""
    names = release.presets or sorted(upstream)
    made = [_preset(name, upstream[name], release, namespace) for name in names]
    for name, image in release.accelerator_presets.items():
        extra = _preset(name, upstream["config-llm-template"], release, namespace)
        extra["spec"]["template"]["containers"][0]["image"] = release.image(image)
        made.append(extra)
    return made


def _preset(name: str, upstream: Obj, release: Release, namespace: str) -> Obj:
    obj = copy.deepcopy(upstream)
    obj["metadata"] = {"name": release.preset_prefix + name, "namespace": namespace, "annotations": dict(WELL_KNOWN)}
    spec = obj["spec"]
    if release.minor < (3, 5):
        spec.pop("annotations", None)
    for workload in (spec, spec.get("prefill") or {}):
        for part in ("template", "worker"):
            if workload.get(part):
                _workload(workload[part], release, name)
    scheduler = (spec.get("router") or {}).get("scheduler")
    if scheduler:
        _scheduler(scheduler, release)
    _route(spec, release)
    _images(spec, release)
    return obj


def _workload(pod: Obj, release: Release, name: str) -> None:
    """vLLM's container: what its start script renders, where the script is, and how it ends."""
    _end(pod, release)
    for container in pod.get("containers") or []:
        command = container.get("command") or []
        if len(command) < 3 or "vllm serve" not in command[2]:
            continue
        script = command[2]
        if release.minor < (3, 5) and name != "config-llm-prefill-template":  # that one serves no second name
            script = _without(script, PUBLISHED, name)
        if not release.tensor_rendered and "data-parallel" not in name:
            script = _without(script, TENSOR, name)
        if release.script_in_args:
            container["command"], container["args"] = command[:2], [script.replace("$@", "").rstrip()]
        else:
            container["command"] = [*command[:2], script, *command[3:]]


def _end(pod: Obj, release: Release) -> None:
    """Up to 3.4 nothing holds a pod back that is to end (red-hat-data-services/kserve rhoai-3.2 ... 3.4 config/llmisvc*); 3.5 sleeps 15 s as upstream."""
    if release.drains:
        return
    for container in pod.get("containers") or []:
        container.pop("lifecycle", None)
    if "terminationGracePeriodSeconds" in pod:
        pod["terminationGracePeriodSeconds"] = 30


def _without(script: str, anchor: re.Pattern[str], name: str) -> str:
    result, count = anchor.subn("", script)
    if not count:
        raise ValueError(f"preset {name}: its script doesn't hold {anchor.pattern}; another version of KServe?")
    return result


def _scheduler(scheduler: Obj, release: Release) -> None:
    if release.minor < (3, 5):
        scheduler.pop("annotations", None)
    template = scheduler.get("template") or {}
    _end(template, release)
    if not release.tokenizer and template:
        template["containers"] = [c for c in template["containers"] if c["name"] != "tokenizer"]
        template["volumes"] = [v for v in template.get("volumes") or [] if not v["name"].startswith("tokenizer-")]
        for container in template["containers"]:
            container["volumeMounts"] = [m for m in container.get("volumeMounts") or [] if not m["name"].startswith("tokenizer-")]
    if release.picker_by_args:
        for container in template.get("containers") or []:
            if container["name"] == "main":
                flags = [item for item in container.pop("command")[1:] if "GlobalConfig" not in item]
                container["args"] = [release.picker_flag(item) for item in [*flags, *PICKER_FLAGS]]


def _route(spec: Obj, release: Release) -> None:
    http = (((spec.get("router") or {}).get("route") or {}).get("http") or {}).get("spec")
    if not http or release.route_rules is None:
        return
    kept = {rule["name"]: rule for rule in http["rules"] if rule.get("name") in release.route_rules}
    lacking = set(release.route_rules) - set(kept)
    if lacking:
        raise ValueError(f"the route preset has no rule {', '.join(sorted(lacking))}; another version of KServe?")
    http["rules"] = [{key: value for key, value in kept[name].items() if key != "name"} for name in release.route_rules]
    if release.minor < (3, 0):
        # 2.25 sends every path below /<namespace>/<name>/ to the pool (rhoai-llmd.md 6.1).
        pool = kept["v1-completions-path"]["backendRefs"]
        http["rules"] = [{**http["rules"][-1], "backendRefs": pool}]


def _images(value: Any, release: Release) -> None:
    """Replace every upstream image in place."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "image" and isinstance(child, str):
                if "latency-predictor" not in child:
                    value[key] = release.product_image(child)
            else:
                _images(child, release)
    elif isinstance(value, list):
        for child in value:
            _images(child, release)


def config_map(upstream: Obj, release: Release, namespace: str) -> Obj:
    """ConfigMap inferenceservice-config: upstream's, with what OpenShift AI sets (rhoai-llmd.md 3.1)."""
    data = {key: value for key, value in upstream["data"].items() if not key.startswith("_")}
    ingress = json.loads(data["ingress"])
    ingress.update({"kserveIngressGateway": "openshift-ingress/openshift-ai-inference", "enableGatewayApi": True,
                    "enableLLMInferenceServiceTLS": True})
    if release.minor < (3, 5):
        ingress["modelBasedRoutingMode"] = "disabled"
    data["ingress"] = json.dumps(ingress, indent=4)
    storage = json.loads(data["storageInitializer"])
    storage["image"] = release.image("storage-initializer")
    data["storageInitializer"] = json.dumps(storage, indent=4)
    data["deploy"] = json.dumps({"defaultDeploymentMode": "RawDeployment"})
    meta = {"name": "inferenceservice-config", "namespace": namespace, "labels": {"app.opendatahub.io/kserve": "true"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
