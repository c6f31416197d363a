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

from rehearsal import data, olm, parts, paths, seed, stages
from rehearsal.crds import Crds
from rehearsal.errors import BAD_INPUT, RehearsalError

# The seed is rendered with this id, so that equal inputs give equal etcd data; the true id is set at each start.
SEED_ID = "00000000-0000-4000-8000-000000000000"
# The seed tells times relative to now ("updated 12 days ago"): they don't make another database.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TOOLS_REPOSITORY = "ocp-v4.0-art-dev@"


@dataclass
class Wanted:
    """What the user asked for."""

    name: str
    profile: str
    openshift: str
    scenarios: list[str] = field(default_factory=list)
    speed: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "profile": self.profile,
            "openshift": self.openshift,
            "scenarios": self.scenarios,
            "speed": self.speed,
        }


def prepare(wanted: Wanted, binaries: dict[str, str]) -> dict[str, Any]:
    """Fill ``<state>/run`` (made anew) and return the settings. Raises RehearsalError on any bad input."""
    loaded = data.load(wanted.profile, wanted.openshift, wanted.scenarios)
    state = paths.state_dir(wanted.name)
    run = state / "run"
    shutil.rmtree(run, ignore_errors=True)
    for folder in (run, run / "tmp", run / "home", state / "logs"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings: dict[str, Any] = {
        **loaded,
        "name": wanted.name,
        "speed": wanted.speed,
        "cluster_id": str(uuid.uuid4()),
        "kubeconfig": str(run / "pki" / "rehearsal-operators.kubeconfig"),
        "bin": binaries,
        "gomodcache": str(parts.go_mod_cache()),
        "state": str(state),
        "cache": str(paths.cache_dir()),
        "catalogs": olm.addresses(),
        "wanted": wanted.as_dict(),
    }
    crds = Crds.load()
    bare = {"crds": crds.bare(settings["openshift"]), "seed": seed.objects({**settings, "cluster_id": SEED_ID})}
    text = json.dumps(bare, sort_keys=True)
    pins = json.dumps([parts.CORE.pinned("k8s.io/kubernetes"), parts.CORE.pinned("go.etcd.io/etcd/server/v3")])
    settings["bare_key"] = hashlib.sha256((TIMESTAMP.sub("T", text) + pins).encode()).hexdigest()[:24]
    (run / "bare.json").write_text(text, encoding="utf-8")
    # Pods whose image can't be pulled are the process kubelet's: KWOK would report them as running.
    unpullable = settings["scenario"].get("image_pull_failures", [])
    stages.write(run / "stages.yaml", [*stages.real_images(_tools(settings)), *unpullable])
    write_catalogs(run, crds, settings)
    write_settings(run, settings)
    return settings


def repair(state: Path, chosen: list[str]) -> list[str]:
    """End scenarios of a running rehearsal (all, or the chosen ones); returns the names of those that go on.

    The parts read the settings file again. What a scenario has already done to objects of the cluster stays, as it would
    on a real one: only its cause goes.
    """
    settings = read_settings(state)
    wanted, running = settings["wanted"], settings["scenario"]["names"]
    for name in chosen:
        if name not in running:
            raise RehearsalError(
                f"scenario '{name}' isn't active", str(state), data.nearest(name, running), code=BAD_INPUT
            )
    left = [name for name in running if chosen and name not in chosen]
    settings.update(data.load(wanted["profile"], wanted["openshift"], left))
    write_catalogs(state / "run", Crds.load(), settings)
    write_settings(state / "run", settings)
    return left


def write_catalogs(run: Path, crds: Crds, settings: dict[str, Any]) -> None:
    for name in olm.PORTS:
        olm.write_catalog(name, run / "catalogs", crds, settings)


def write_settings(run: Path, settings: dict[str, Any]) -> None:
    """Whole or not at all: parts may be reading it at this moment."""
    scratch = run / "settings.json.new"
    scratch.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    scratch.replace(run / "settings.json")


def read_settings(state: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((state / "run" / "settings.json").read_text(encoding="utf-8"))
    return settings


def _tools(settings: dict[str, Any]) -> list[str]:
    """The ``tools`` image, which runs as a process, is known by its digest only."""
    digest = settings["openshift"].get("payload_images", {}).get("tools")
    return [f"{TOOLS_REPOSITORY}{digest}"] if digest else []
