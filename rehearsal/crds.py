# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CustomResourceDefinitions: from the Go module cache by ``crd_table.yaml``, and hand-written ones of ``crds/``.

A definition is found by its name ("clusterpolicies.nvidia.com") or by group and kind ("nvidia.com/ClusterPolicy"). Texts
that only explain are dropped: they are most of the size and no part of what the API server checks.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal import parts, paths
from rehearsal.errors import RehearsalError

Crd = dict[str, Any]

OTHER_FEATURE_SETS = re.compile(r"(CustomNoUpgrade|DevPreviewNoUpgrade|TechPreviewNoUpgrade|OKD|Hypershift)")
WHEN = re.compile(r"^#\s*when:\s*(\S+)", re.MULTILINE)
VARIANT = re.compile(r"^#\s*variant:\s*(\S+)", re.MULTILINE)
FORMAT = "1"  # part of the cache's key: raise it when the parsing below changes


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML 1.1 has a type for a bare "=", which occurs in Prometheus' definitions and is just text there."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


@dataclass(frozen=True)
class Entry:
    """A definition, with the moment when a cluster gets it."""

    when: str
    crd: Crd
    needs: str = ""
    variant: str = ""  # not the usual schema of its kind: known as "group/Kind@variant" only


class Crds:
    """All definitions that the rehearsal knows. Hand-written ones win over the table's."""

    def __init__(self, entries: list[Entry]) -> None:
        self._by_name: dict[str, Entry] = {}
        self._names: dict[str, str] = {}
        for entry in entries:
            spec = entry.crd["spec"]
            mark = f"@{entry.variant}" if entry.variant else ""
            name = entry.crd["metadata"]["name"] + mark
            self._by_name[name] = entry
            self._names[f"{spec['group']}/{spec['names']['kind']}{mark}"] = name

    @classmethod
    def load(cls) -> Crds:
        """Read the table (parsed once, then cached) and ``rehearsal/crds``."""
        return cls([*from_table(), *hand_written(paths.PACKAGE / "crds")])

    def get(self, name: str) -> Crd:
        """One definition by "plural.group" or "group/Kind"; raises RehearsalError when unknown."""
        found = self._by_name.get(self._names.get(name, name))
        if not found:
            raise RehearsalError(
                "unknown CustomResourceDefinition",
                name,
                "neither in crd_table.yaml nor in crds/",
                "Add it to one of them",
            )
        return found.crd

    def bare(self, openshift: dict[str, Any]) -> list[Crd]:
        """What a fresh cluster of this OpenShift serves."""
        return [e.crd for e in self._by_name.values() if e.when == "bare" and not e.variant and (not e.needs or openshift.get(e.needs))]

    def of(self, csv_prefix: str) -> list[Crd]:
        """What an operator brings (``when`` equal to the prefix of its CSV's name)."""
        return [e.crd for e in self._by_name.values() if e.when == csv_prefix and not e.variant]


def from_table(table: Path = paths.PACKAGE / "crd_table.yaml") -> Iterator[Entry]:
    """All definitions of the table, in its order."""
    cache = paths.cache_dir() / "crds"
    for row in yaml.safe_load(table.read_text(encoding="utf-8")):
        key = hashlib.sha256(json.dumps([FORMAT, row], sort_keys=True).encode()).hexdigest()[:24]
        cached = cache / f"{key}.json"
        if not cached.exists():
            cache.mkdir(parents=True, exist_ok=True)
            scratch = cached.with_suffix(f".{id(row)}")
            scratch.write_text(json.dumps(_read_row(row)), encoding="utf-8")
            scratch.replace(cached)
        for crd in json.loads(cached.read_text(encoding="utf-8")):
            yield Entry(row["when"], crd, row.get("needs", ""))


def hand_written(folder: Path) -> Iterator[Entry]:
    """Definitions of a folder; each file says ``# when: ...`` in its header comment, and ``# variant: ...`` if it is one."""
    for path in sorted(folder.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        when = WHEN.search(text)
        if not when:
            raise RehearsalError(
                "a CustomResourceDefinition doesn't say when it appears",
                str(path),
                "no line '# when: bare' or '# when: <prefix of a CSV>'",
                "Add it to the header comment",
            )
        variant = VARIANT.search(text)
        for crd in parse(text):
            yield Entry(when.group(1), crd, variant=variant.group(1) if variant else "")


def parse(text: str) -> list[Crd]:
    """The CustomResourceDefinitions of a YAML text, without explanations; other objects and patches are left out."""
    documents = yaml.load_all(text, Loader=_Loader)
    return [trim(document) for document in documents if _is_crd(document)]


def _is_crd(document: Any) -> bool:
    if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
        return False
    return bool(document["metadata"].get("name") and document["spec"].get("versions"))


def trim(crd: Crd) -> Crd:
    """What the API server needs of a definition. Conversion webhooks go too: nobody here would answer them."""
    meta = {key: crd["metadata"][key] for key in ("name", "labels", "annotations") if crd["metadata"].get(key)}
    spec = {key: value for key, value in crd["spec"].items() if key != "conversion"}
    for version in spec["versions"]:
        strip(version.get("schema", {}).get("openAPIV3Schema", {}))
    return {"apiVersion": crd["apiVersion"], "kind": crd["kind"], "metadata": meta, "spec": spec}


def strip(schema: Any) -> None:
    """Drop ``description`` from a schema and all schemas in it (not properties that are called so)."""
    if not isinstance(schema, dict):
        return
    schema.pop("description", None)
    for child in (schema.get("properties") or {}).values():
        strip(child)
    for key in ("items", "additionalProperties", "not"):
        strip(schema.get(key))
    for key in ("allOf", "anyOf", "oneOf"):
        for child in schema.get(key) or []:
            strip(child)


def module_folder(module: str, version: str) -> Path:
    """The unpacked module in the Go module cache; downloads it when it isn't there."""
    escaped = re.sub("[A-Z]", lambda letter: "!" + letter.group().lower(), module)
    folder = parts.go_mod_cache() / f"{escaped}@{version}"
    if folder.is_dir():
        return folder
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"{module}@{version}"],
        cwd="/",
        env=parts.go_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(done.stdout)
        return Path(answer["Dir"])
    except (ValueError, KeyError) as error:
        why = " ".join(f"{done.stdout} {done.stderr}".split())[-300:]
        raise RehearsalError(
            "a Go module can't be downloaded",
            f"{module}@{version}",
            why,
            "Check the network to the Go module proxy (go env GOPROXY)",
        ) from error


def _read_row(row: dict[str, Any]) -> list[Crd]:
    folder = module_folder(row["module"], row["version"])
    files = [path for path in sorted(folder.glob(row["path"])) if not OTHER_FEATURE_SETS.search(path.name)]
    found = [crd for path in files for crd in parse(path.read_text(encoding="utf-8"))]
    kinds = row.get("kinds")
    kept = [crd for crd in found if not kinds or crd["spec"]["names"]["kind"] in kinds]
    lacking = set(kinds or []) - {crd["spec"]["names"]["kind"] for crd in kept}
    if lacking or not kept:
        raise RehearsalError(
            "crd_table.yaml names kinds that aren't there",
            f"{row['module']}@{row['version']}/{row['path']}",
            ", ".join(sorted(lacking)) or "no definition found",
            "Correct the row",
        )
    return kept
