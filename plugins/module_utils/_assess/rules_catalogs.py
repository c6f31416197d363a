# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on where software comes from: signs of a disconnected cluster, operators out of other catalogs."""

from __future__ import annotations

import re

from .._plan.catalog import wanted_catalog
from .._plan.operators import needed
from .look import dig, flag, names, rows, strings, text
from .model import PASS, UNKNOWN, WARN, Case, Finding

# How oc-mirror and people name what they mirror: the image keeps its name, the registry in front changes.
_INDEX = re.compile(r"/(?:redhat|certified|community)-operator-index(?:[:@]|$)")
_RED_HAT = ("registry.redhat.io/", "registry.stage.redhat.io/")
_SETS = ("digest", "tag", "policies")
_REMEDIES = {
    PASS: "Nothing.",
    WARN: "Mirror the model (oci://, s3:// or pvc://), or make sure that the nodes reach huggingface.co.",
    UNKNOWN: "Grant list on imagedigestmirrorsets.config.openshift.io.",
}


def disconnected(case: Case) -> list[Finding]:
    """Mirror sets, mirrored catalogs or default catalogs that are off: such a cluster usually can't reach the internet, where hf:// models are."""
    signs = disconnected_signs(case)
    blind = signs is None
    fetched = text(case.declared, "model_uri") or ""
    trouble = bool(signs) and fetched.startswith("hf://")
    status = UNKNOWN if blind else WARN if trouble else PASS
    observed = "; ".join(signs or []) or (
        "the mirror sets could not be read" if blind else "no sign of a disconnected cluster"
    )
    return [case.finding(
        "disconnected", status, "cluster", observed + (f"; the model comes from {fetched}" if trouble else ""),
        "a model that the cluster can reach",
        _REMEDIES[status],
        source="config.openshift.io/v1 ImageDigestMirrorSet, ImageTagMirrorSet, OperatorHub",
    )]  # fmt: skip


def disconnected_signs(case: Case) -> list[str] | None:
    """What speaks for a cluster without the internet; None where nothing of it could be read."""
    sets = [name for kind in _SETS for name in strings(case.snapshot, "mirrors", kind)]
    off = flag(case.snapshot, "mirrors", "default_catalogs_disabled")
    mirrored = mirrored_catalogs(case)
    signs = [f"mirror sets {names(sets)}"] if sets else []
    signs += ["the default catalogs are disabled"] if off else []
    signs += [f"mirrored catalogs {names(mirrored)}"] if mirrored else []
    blind = off is None and all(dig(case.snapshot, "mirrors", kind) is None for kind in _SETS)
    return None if blind and not signs else signs


def mirrored_catalogs(case: Case) -> list[str]:
    """Catalogs whose image is one of Red Hat's indexes, from a registry that isn't Red Hat's."""
    return [
        text(row, "name") or "?"
        for row in rows(case.snapshot, "catalogs") or []
        if _INDEX.search(image := text(row, "image") or "") and not image.startswith(_RED_HAT)
    ]


def mirror_sources(case: Case) -> list[Finding]:
    """On a cluster with mirror sets, the images of every operator that is still to be installed have a mirror."""
    sources = dig(case.snapshot, "mirrors", "sources")
    if not sources or not rows(case.snapshot, "packages"):
        return []  # no mirror sets, or nothing to install: nothing to say
    vendors = case.candidates.vendors or ["nvidia"]
    wanted = needed(case.facts, case.declared, case.release, case.path, vendors)
    return [_mirrored(case, package, list(sources)) for package in wanted if _heads(case, package)]


def _heads(case: Case, package: str) -> list[str]:
    """Repositories of the images of the package's channels; of installed operators the snapshot holds none."""
    found = [row for row in rows(case.snapshot, "packages") or [] if text(row, "package") == package]
    return sorted({name for row in found for channel in rows(row, "channels") or [] for name in strings(channel, "repositories")})


def _mirrored(case: Case, package: str, sources: list[str]) -> Finding:
    lacking = [name for name in _heads(case, package) if not any(_covers(source, name) for source in sources)]
    return case.finding(
        "mirror-sources", WARN if lacking else PASS, f"operator {package}",
        f"no mirror set has a source for {names(lacking)}" if lacking else "its images have mirrors",
        "a mirror for each repository of its images",
        "Mirror them (playbooks/mirror.yml lists what is needed) and add the sources to an ImageDigestMirrorSet." if lacking else "Nothing.",
        source="config.openshift.io/v1 ImageDigestMirrorSet; PackageManifest relatedImages",
    )  # fmt: skip


def _covers(source: str, repository: str) -> bool:
    """Whether a mirror set's source is the repository, or a registry or folder above it ("*.example.com": its subdomains)."""
    if source.startswith("*."):
        return repository.partition("/")[0].endswith(source[1:])
    return repository == source or repository.startswith(f"{source}/")


def other_catalogs(case: Case) -> list[Finding]:
    """Operators of this path that were installed from a catalog that nobody declared: their versions may not be Red Hat's."""
    found = []
    for operator in rows(case.snapshot, "operators") or []:
        package = text(operator, "package") or ""
        row = case.facts.operators.get(package)
        if row is None:
            continue
        wanted = wanted_catalog(row, case.declared)
        seen = (text(operator, "catalog"), text(operator, "catalog_namespace") or wanted[1])
        if seen[0] is not None and seen != wanted:
            found.append(case.finding(
                "operator-catalog", WARN, f"operator {package}", f"installed from {seen[1]}/{seen[0]}", f"{wanted[1]}/{wanted[0]}",
                f"If that catalog mirrors the right one, declare llmd_operator_catalogs: {{{package}: {seen[0]}}}.", source=row["source"],
            ))  # fmt: skip
    return found
