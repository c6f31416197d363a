# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the rehearsal's data files: profiles, versions of OpenShift, scenarios. Checks, expands and merges them.

``load("h200-roce", "4.20", ["gateway-no-address"])`` returns the three parts of ``settings.json``::

    {"profile":   {"name", "description", "platform", "storage_classes", "delays": {name: seconds},
                   "nodes": [node, ...]},                       # every node written out, see rehearsal/hardware.py
     "openshift": {"version", "kubernetes", "rhcos", ...},      # the file of openshift/, see schema/openshift.json
     "scenario":  {"names": [...], "pods": [...], ...}}         # all scenarios in one dict, see schema/scenario.json

Lists of several scenarios are joined, other keys must not contradict. Names of nodes in scenarios (``last-gpu`` ...)
are replaced by the real ones. Delays of the scenarios are already in ``profile["delays"]``.
All faults of a file are told in one error: file, path in the file, reason, nearest right word.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rehearsal import catalog_render
from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.hardware import expand_nodes

if TYPE_CHECKING:
    from jsonschema import ValidationError

ROOT = Path(__file__).resolve().parent
KINDS = {"profiles": "profile", "openshift": "openshift", "scenarios": "scenario", "catalogs": "catalog"}
NODE_WORDS = ("first-gpu", "last-gpu", "first-worker", "last-worker")


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """A YAML loader that refuses a key written twice (else dropped in silence) and leaves dates as they are written."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' is written twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; RehearsalError names file and line when it can't be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise _bad(f"Can't read {path.name}", str(path), error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise _bad(
            f"{path.name} isn't valid YAML", f"{path}{line}", getattr(error, "problem", None) or str(error)
        ) from error


@functools.cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of ``profile``, ``openshift``, ``scenario`` or ``catalog``."""
    loaded: dict[str, Any] = json.loads((ROOT / "schema" / f"{kind}.json").read_text(encoding="utf-8"))
    return loaded


def check(document: Any, kind: str, path: Path) -> None:
    """Raise one RehearsalError with every fault of ``document`` against its schema."""
    import jsonschema  # a heavy import, needed only here

    validator = jsonschema.Draft202012Validator(schema(kind))
    faults = sorted(validator.iter_errors(document), key=lambda fault: [str(step) for step in fault.absolute_path])
    refuse(path, [_tell(fault) for fault in faults])


def refuse(path: Path, faults: Iterable[str]) -> None:
    """Raise one RehearsalError that lists ``faults`` of the file, if there are any."""
    lines = list(faults)
    if lines:
        raise _bad(f"{path.name} is refused", str(path), "; ".join(lines))


def names(folder: str) -> dict[str, str]:
    """Name -> one line of description, for ``profiles``, ``openshift`` or ``scenarios``."""
    return {path.stem: str(_document(folder, path.stem)["description"]) for path in _files(folder)}


def load(profile: str, openshift: str, scenarios: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """The ``profile``, ``openshift`` and ``scenario`` parts of settings.json; RehearsalError (code 2) when one is wrong."""
    release = load_openshift(openshift)
    return {"openshift": release, **mix(load_profile(profile), scenarios)}


def mix(cluster: dict[str, Any], scenarios: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``profile`` and ``scenario`` of settings.json for a profile that is written out already; scenarios of before don't count."""
    wanted = list(dict.fromkeys(scenarios))
    scenario = merge_scenarios({name: _document("scenarios", name) for name in wanted}, cluster)
    own = cluster.get("own_delays") or cluster["delays"]
    for name in scenario.get("delays", {}):
        if name not in own:
            raise _bad(f"Unknown delay '{name}'", " + ".join(wanted), nearest(name, own))
    delays = {**own, **scenario.pop("delays", {})}
    return {"profile": {**cluster, "own_delays": dict(own), "delays": delays}, "scenario": scenario}


def load_profile(name: str) -> dict[str, Any]:
    """A profile with its nodes written out and every delay filled in."""
    document = _document("profiles", name)
    path = ROOT / "profiles" / f"{name}.yaml"
    delays = {key: row["seconds"] for key, row in read_yaml(ROOT / "profiles" / "_delays.yaml").items()}
    own = document.get("delays", {})
    refuse(path, [f"delays.{key}: unknown delay, {nearest(key, delays)}" for key in own if key not in delays])
    lent = [_document("profiles", other).get("servers", {}) for other in document.get("servers_of", [])]
    document = {**document, "servers": {name: server for servers in [*lent, document.get("servers", {})] for name, server in servers.items()}}
    nodes, faults = expand_nodes(document, read_yaml(ROOT / "profiles" / "_devices.yaml"))
    refuse(path, faults)
    return {
        "name": name,
        "description": document["description"],
        "platform": document["platform"],
        "storage_classes": document.get("storage_classes", []),
        "delays": {**delays, **own},
        "nodes": nodes,
    }


def load_openshift(version: str) -> dict[str, Any]:
    """The data of a release, by its version (``4.20.20``) or its alias (``4.20``)."""
    if (ROOT / "openshift" / f"{version}.yaml").is_file():
        return _document("openshift", version)
    found = {name: _document("openshift", name) for name in _names("openshift")}
    for document in found.values():
        if version in document.get("aliases", []):
            return document
    raise unknown("version of OpenShift", version, [*found, *(a for d in found.values() for a in d.get("aliases", []))])


def load_catalog(name: str) -> dict[str, Any]:
    """A compact catalog (``redhat-operators``, ``certified-operators``), for catalog_render.render."""
    document = _document("catalogs", name)
    path = ROOT / "catalogs" / f"{name}.yaml"
    faults = []
    for package in document["packages"]:
        for channel, chain in package["channels"].items():
            faults += [
                f"{package['package']}, channel {channel}: unknown version, {nearest(version, package['versions'])}"
                for version, _span in map(catalog_render.channel_entry, chain)
                if version not in package["versions"]
            ]
        reached = {catalog_render.channel_entry(one)[0] for chain in package["channels"].values() for one in chain}
        faults += [
            f"{package['package']}: version {version} is in no channel"
            for version in package["versions"]
            if version not in reached
        ]
        if "{" not in package["default_channel"] and package["default_channel"] not in package["channels"]:
            faults.append(
                f"{package['package']}: unknown default channel, {nearest(package['default_channel'], package['channels'])}"
            )
    refuse(path, faults)
    return document


def names_of_catalogs() -> list[str]:
    """The catalogs that a rehearsal serves."""
    return _names("catalogs")


def offered(package: Mapping[str, Any], channel: str, openshift: str) -> list[str]:
    """The versions of a channel that the catalog of an OpenShift minor has, oldest first."""
    versions = [catalog_render.channel_entry(one)[0] for one in package["channels"][channel]]
    return [version for version in versions if catalog_render.has(package["versions"][version], openshift)]


def merge_scenarios(documents: Mapping[str, Mapping[str, Any]], profile: Mapping[str, Any]) -> dict[str, Any]:
    """All scenarios as one: lists joined, dicts and values taken over; two that contradict are refused."""
    merged: dict[str, Any] = {"names": list(documents)}
    owner: dict[str, str] = {}
    for name, document in documents.items():
        for key, value in document.items():
            if key == "description":
                continue
            value = _with_node(value, name, profile)
            if isinstance(value, list):
                merged[key] = [*merged.get(key, []), *value]
            elif key == "delays":
                merged[key] = {**merged.get(key, {}), **value}
            elif key in merged and merged[key] != value:
                raise _bad(
                    f"Scenarios '{owner[key]}' and '{name}' contradict",
                    key,
                    "each sets it in its own way",
                    "Give one of them",
                )
            else:
                merged[key] = value
            owner[key] = name
    return merged


def unknown(what: str, word: str, known: Iterable[str]) -> RehearsalError:
    """The error for a name that no file has: the nearest name and the list of all."""
    return _bad(f"Unknown {what} '{word}'", "", nearest(word, known))


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'? Known: a, b, x``."""
    everything = sorted(known)
    close = difflib.get_close_matches(word, everything, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(everything)}"


def _document(folder: str, name: str) -> dict[str, Any]:
    if name not in _names(folder):
        what = "version of OpenShift" if folder == "openshift" else KINDS[folder]
        raise unknown(what, name, _names(folder))
    path = ROOT / folder / f"{name}.yaml"
    document = read_yaml(path)
    check(document, KINDS[folder], path)
    return document if isinstance(document, dict) else {}


def _files(folder: str) -> list[Path]:
    # A leading underscore marks tables that several files share.
    return sorted(path for path in (ROOT / folder).glob("*.yaml") if not path.name.startswith("_"))


def _names(folder: str) -> list[str]:
    return [path.stem for path in _files(folder)]


def _with_node(value: Any, scenario: str, profile: Mapping[str, Any]) -> Any:
    if not (isinstance(value, Mapping) and "node" in value):
        return value
    nodes = [node["name"] for node in profile["nodes"]]
    choice = {
        "gpu": [node["name"] for node in profile["nodes"] if node["gpus"]],
        "worker": [node["name"] for node in profile["nodes"] if "worker" in node["roles"]],
    }
    word = value["node"]
    if word in nodes:
        return value
    if word not in NODE_WORDS:
        raise _bad(
            f"Scenario '{scenario}' names node '{word}'",
            f"profile {profile['name']}",
            nearest(word, [*nodes, *NODE_WORDS]),
        )
    place, kind = word.split("-")
    if not choice[kind]:
        raise _bad(
            f"Scenario '{scenario}' needs a {kind} node",
            f"profile {profile['name']}",
            f"it has none (nodes: {', '.join(nodes)})",
        )
    return {**value, "node": choice[kind][0 if place == "first" else -1]}


def _tell(fault: ValidationError) -> str:
    where = ".".join(str(step) for step in fault.absolute_path) or "the top level"
    if fault.validator == "additionalProperties" and isinstance(fault.instance, Mapping):
        allowed = fault.schema.get("properties", {})
        extra = [key for key in fault.instance if key not in allowed]
        return "; ".join(f"{where}: unknown key '{key}', {nearest(str(key), allowed)}" for key in extra)
    if fault.validator == "enum":
        return f"{where}: {fault.instance!r} isn't possible, {nearest(str(fault.instance), map(str, fault.validator_value))}"
    return f"{where}: {fault.message}"


def _bad(what: str, where: str, why: str, todo: str = "") -> RehearsalError:
    return RehearsalError(what, where, why, todo, code=BAD_INPUT)
