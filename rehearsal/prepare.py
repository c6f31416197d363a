# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal is made of, computed on the host before anything starts: settings, catalogs, stages, bare objects.

Here all bad input shows up, at once and in the foreground. The supervisor only reads what this writes to ``<state>/run``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal import data, installs, olm, parts, paths, saved, seed, stages, twin
from rehearsal.crds import Crds
from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.settings_file import read_settings, write_settings

# The seed is rendered with this id, so that equal inputs give equal etcd data; the true id is set at each start.
SEED_ID = "00000000-0000-4000-8000-000000000000"
# The seed tells times relative to now ("updated 12 days ago"): they don't make another database.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Keys of scenarios that act on what a cluster starts with; all others are read while it runs.
AT_START = {"cluster-upgrading", "image_pull_failures", "no-default-storageclass", "node-not-ready", *installs.KEYS}
TOOLS_REPOSITORY = "ocp-v4.0-art-dev@"


@dataclass
class Wanted:
    """What the user asked for."""

    name: str
    profile: str
    openshift: str
    scenarios: list[str] = field(default_factory=list)
    speed: float = 1.0
    saved: str = ""  # the saved state to start from, which brings profile, version and scenarios
    twin: str = ""  # the must-gather folder or snapshot of the cluster to resemble, which brings profile and version

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "profile": self.profile,
            "openshift": self.openshift,
            "scenarios": self.scenarios,
            "speed": self.speed,
            "saved": self.saved,
            "twin": self.twin,
        }


def prepare(wanted: Wanted, binaries: dict[str, str]) -> dict[str, Any]:
    """Fill ``<state>/run`` (made anew) and return the settings. Raises RehearsalError on any bad input."""
    if wanted.saved:
        return _from_saved(wanted, binaries)
    loaded = load(wanted)
    state = paths.state_dir(wanted.name)
    run = state / "run"
    shutil.rmtree(run, ignore_errors=True)
    _folders(state)
    settings: dict[str, Any] = {**loaded, "catalogs": olm.addresses(), **_personal(wanted, binaries)}
    crds = Crds.load()
    objects = seed.objects({**settings, "cluster_id": SEED_ID})
    likeness = settings.pop("twin", None)
    if likeness:
        objects = twin.overlay(objects, likeness["objects"])
        settings["twin"] = {key: likeness[key] for key in ("source", "carried", "left_out")}
    bare = {"crds": crds.bare(settings["openshift"]), "seed": objects}
    settings["addresses"] = _node_addresses(bare["seed"])
    text = json.dumps(bare, sort_keys=True)
    pins = json.dumps([parts.CORE.pinned("k8s.io/kubernetes"), parts.CORE.pinned("go.etcd.io/etcd/server/v3")])
    settings["bare_key"] = hashlib.sha256((TIMESTAMP.sub("T", text) + pins).encode()).hexdigest()[:24]
    (run / "bare.json").write_text(text, encoding="utf-8")
    # Pods whose image can't be pulled are the process kubelet's: KWOK would report them as running.
    unpullable = settings["scenario"].get("image_pull_failures", [])
    stages.write(run / "stages.yaml", [*stages.real_images(_tools(settings)), *unpullable])
    write_catalogs(run, crds, settings)
    orders = installs.wanted(settings["scenario"], crds.get)
    orders["operators"] = [*(likeness["operators"] if likeness else []), *orders["operators"]]
    (run / "installs.json").write_text(json.dumps(orders), encoding="utf-8")
    write_settings(run, settings)
    return settings


def load(wanted: Wanted) -> dict[str, Any]:
    """Profile, release and scenario (and twin) of what is wanted. Raises RehearsalError when something of it is wrong."""
    if wanted.twin:
        return twin.load(Path(wanted.twin), wanted.scenarios)
    return data.load(wanted.profile, wanted.openshift, wanted.scenarios)


def _from_saved(wanted: Wanted, binaries: dict[str, str]) -> dict[str, Any]:
    """Lay out a saved state's files; its settings become those of this rehearsal."""
    state = paths.state_dir(wanted.name)
    settings = {**saved.bring_back(wanted.saved, state), **_personal(wanted, binaries), "saved": wanted.saved}
    _folders(state)
    write_settings(state / "run", settings)
    return settings


def _folders(state: Path) -> None:
    run = state / "run"
    for folder in (run, run / "tmp", run / "home", state / "logs"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _personal(wanted: Wanted, binaries: dict[str, str]) -> dict[str, Any]:
    """The settings that differ between two rehearsals with the same content."""
    state = paths.state_dir(wanted.name)
    return {
        "name": wanted.name,
        "speed": wanted.speed,
        "cluster_id": str(uuid.uuid4()),
        "kubeconfig": str(state / "run" / "pki" / "rehearsal-operators.kubeconfig"),
        "bin": binaries,
        "gomodcache": str(parts.go_mod_cache()),
        "state": str(state),
        "cache": str(paths.cache_dir()),
        "wanted": wanted.as_dict(),
        "code": saved.code(),
    }


def _node_addresses(objects: list[dict[str, Any]]) -> list[str]:
    addresses = [a for o in objects if o["kind"] == "Node" for a in o.get("status", {}).get("addresses", [])]
    return [address["address"] for address in addresses if address["type"] == "InternalIP"]


def repair(state: Path, chosen: list[str]) -> list[str]:
    """End scenarios of a running rehearsal (all, or the chosen ones); returns the names of those that go on.

    The parts read the settings file again. What a scenario has already done to objects of the cluster stays, as it would
    on a real one: only its cause goes.
    """
    settings = read_settings(state)
    running = settings["scenario"]["names"]
    for name in chosen:
        if name not in running:
            raise RehearsalError(
                f"scenario '{name}' isn't active", str(state), data.nearest(name, running), code=BAD_INPUT
            )
    return _rewrite(state, settings, [name for name in running if chosen and name not in chosen])


def provoke(state: Path, chosen: list[str]) -> list[str]:
    """Let scenarios begin in a running rehearsal; returns the names of all that go on then."""
    settings = read_settings(state)
    running = settings["scenario"]["names"]
    for name in chosen:
        late = sorted(AT_START & data.mix(settings["profile"], [name])["scenario"].keys())
        if late and name not in running:
            raise RehearsalError(
                f"scenario '{name}' can't begin in a running rehearsal",
                str(state),
                f"{', '.join(late)} is part of what a cluster starts with",
                f"Use 'up --scenario {name}'",
                code=BAD_INPUT,
            )
    return _rewrite(state, settings, [*running, *(name for name in chosen if name not in running)])


def _rewrite(state: Path, settings: dict[str, Any], scenarios: list[str]) -> list[str]:
    settings.update(data.mix(settings["profile"], scenarios))
    write_catalogs(state / "run", Crds.load(), settings)
    write_settings(state / "run", settings)
    return scenarios


def write_catalogs(run: Path, crds: Crds, settings: dict[str, Any]) -> None:
    for name in olm.PORTS:
        olm.write_catalog(name, run / "catalogs", crds, settings)


def _tools(settings: dict[str, Any]) -> list[str]:
    """The ``tools`` image, which runs as a process, is known by its digest only."""
    digest = settings["openshift"].get("payload_images", {}).get("tools")
    return [f"{TOOLS_REPOSITORY}{digest}"] if digest else []
