# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment, command and arguments of a container, as the API defines them (pure).

Source: Kubernetes API reference, Container (env, envFrom, command, args) and "Define Dependent Environment Variables";
service variables: concepts/services-networking/service "Environment variables".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.kubelet.quantity import as_units, parse

Obj = dict[str, Any]
_REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


class ConfigError(Exception):
    """The container can't be made yet: something that it refers to is missing. The text is the kubelet's."""


def expand(text: str, known: Mapping[str, str]) -> str:
    """``$(NAME)`` becomes its value; an unknown name stays as it is; ``$$`` is one ``$``."""
    def one(match: re.Match[str]) -> str:
        if match.group(0) == "$$":
            return "$"
        return known.get(match.group(1), match.group(0))
    return _REFERENCE.sub(one, text)


def command_line(container: Obj, env: Mapping[str, str], entrypoint: list[str]) -> list[str]:
    """The whole command line; ``entrypoint`` is the image's own, used where the container names no command."""
    command = [expand(part, env) for part in container.get("command") or []]
    return (command or list(entrypoint)) + [expand(part, env) for part in container.get("args") or []]


def field(pod: Obj, path: str, host_ip: str, pod_ip: str) -> str:
    """The value of a downward API field. Raises ConfigError for one that doesn't exist."""
    meta, spec = pod["metadata"], pod["spec"]
    keyed = _KEYED.fullmatch(path)
    if keyed:
        return str((meta.get(keyed.group(1)) or {}).get(keyed.group(2), ""))
    plain = {
        "metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", ""), "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""), "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": host_ip, "status.hostIPs": host_ip, "status.podIP": pod_ip, "status.podIPs": pod_ip,
    }
    if path in plain:
        return str(plain[path])
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = sorted((meta.get(path.split(".")[1]) or {}).items())
        return "\n".join(f'{key}="{_quoted(value)}"' for key, value in pairs)
    raise ConfigError(f"fieldPath {path} is not supported")


def resource_field(pod: Obj, container: Obj, ref: Obj, allocatable: Mapping[str, str]) -> str:
    """Limits and requests as numbers; a missing limit is what the node can give."""
    name = ref.get("containerName")
    if name:
        container = next((c for c in pod["spec"]["containers"] if c["name"] == name), container)
    kind, _, resource = ref["resource"].partition(".")
    resources = container.get("resources") or {}
    value = (resources.get(kind) or {}).get(resource)
    if value is None and kind == "limits":
        value = allocatable.get(resource)
    if value is None:
        return "0"
    divisor = ref.get("divisor")
    return str(as_units(value, parse(divisor) if divisor and divisor != "0" else parse("1")))


Keys = Callable[[str, str], "dict[str, str] | None"]  # (kind, name) -> the object's data, None when it doesn't exist


def environment(
    container: Obj, base: Mapping[str, str], keys: Keys, namespace: str,
    field_of: Callable[[str], str], resource_of: Callable[[Obj], str],
) -> dict[str, str]:
    """All variables of a container: ``base`` (the image's and the services'), then envFrom, then env, later ones winning.

    Raises ConfigError with the kubelet's own text when a Secret, ConfigMap or key is missing and not optional.
    """
    result = dict(base)
    for source in container.get("envFrom") or []:
        result.update(_env_from(source, keys, namespace))
    for entry in container.get("env") or []:
        value = _value(entry, result, keys, namespace, field_of, resource_of)
        if value is not None:
            result[entry["name"]] = value
    return result


def _env_from(source: Obj, keys: Keys, namespace: str) -> dict[str, str]:
    kind = "secret" if "secretRef" in source else "configmap"
    ref = source.get("secretRef") or source.get("configMapRef") or {}
    data = keys(kind, ref.get("name", ""))
    if data is None:
        if ref.get("optional"):
            return {}
        raise ConfigError(_missing(kind, ref.get("name", "")))
    prefix = source.get("prefix", "")
    return {prefix + key: value for key, value in data.items() if _ENV_NAME.fullmatch(prefix + key)}


def _value(
    entry: Obj, known: Mapping[str, str], keys: Keys, namespace: str,
    field_of: Callable[[str], str], resource_of: Callable[[Obj], str],
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value") or "", known)
    if "fieldRef" in source:
        return field_of(source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return resource_of(source["resourceFieldRef"])
    kind = "secret" if "secretKeyRef" in source else "configmap"
    ref = source.get("secretKeyRef") or source.get("configMapKeyRef")
    if ref is None:
        raise ConfigError(f"environment variable {entry['name']}: valueFrom has no source known here")
    data = keys(kind, ref.get("name", ""))
    if data is not None and ref["key"] in data:
        return data[ref["key"]]
    if ref.get("optional"):
        return None
    if data is None:
        raise ConfigError(_missing(kind, ref.get("name", "")))
    title = "Secret" if kind == "secret" else "ConfigMap"
    raise ConfigError(f"couldn't find key {ref['key']} in {title} {namespace}/{ref.get('name', '')}")


def _missing(kind: str, name: str) -> str:
    return f'{kind} "{name}" not found'


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def service_environment(services: list[Obj], namespace: str, links: bool) -> dict[str, str]:
    """Variables for the API server's Service and, with service links on, for each Service of the namespace.

    This includes a trap of real clusters: a Service called ``vllm`` sets VLLM_PORT.
    """
    result: dict[str, str] = {}
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        is_api = meta["namespace"] == "default" and meta["name"] == "kubernetes"
        if (is_api or (links and meta["namespace"] == namespace)) and spec.get("clusterIP") not in (None, "", "None"):
            result.update(_variables(meta["name"], spec))
    return result


def _variables(name: str, spec: Obj) -> dict[str, str]:
    title, address, ports = name.upper().replace("-", "_"), spec["clusterIP"], spec.get("ports") or []
    result = {f"{title}_SERVICE_HOST": address}
    if ports:
        first = ports[0]
        result[f"{title}_SERVICE_PORT"] = str(first["port"])
        result[f"{title}_PORT"] = f"{first.get('protocol', 'TCP').lower()}://{address}:{first['port']}"
    for port in ports:
        protocol, number = port.get("protocol", "TCP"), port["port"]
        if port.get("name"):
            result[f"{title}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(number)
        head = f"{title}_PORT_{number}_{protocol}"
        result.update({
            head: f"{protocol.lower()}://{address}:{number}", f"{head}_PROTO": protocol.lower(),
            f"{head}_PORT": str(number), f"{head}_ADDR": address,
        })
    return result
