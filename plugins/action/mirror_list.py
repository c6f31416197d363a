# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.mirror_list: plan -> ImageSetConfiguration and images (see plugins/modules/mirror_list.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden, KindMissing
from ansible_collections.llmd.openshift.plugins.module_utils._mirror import image_set
from ansible_collections.llmd.openshift.plugins.module_utils._mirror.packages import Package, packages
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot.values import dig, rows, text
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure

OLM = "operators.coreos.com/v1alpha1"


class ActionModule(ClusterAction):
    """Asks the cluster for the images of each package, by digest; writes two files on the controller."""

    SPEC = {
        "plan": {"type": "dict", "required": True},
        "snapshot": {"type": "dict", "required": True},
        "declared": {"type": "dict", "required": True},
        "dir": {"type": "path", "required": True},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The configuration, the images that the API shows, and what isn't known."""
        plan, snapshot, declared = args["plan"], args["snapshot"], args["declared"]
        try:
            table = files.load(files.ROOT / "mirror.yml", "mirror")
            found = packages(plan, snapshot, facts(), table, str(declared.get("release")))
        except DataError as error:
            return failure(str(error))
        vendor = plan["context"]["vendor"]
        cluster: Any = self.connect(args)
        images = {one.name: _images(cluster, one) for one in found}
        catalogs = image_set.index_images(found, snapshot, table)
        further = image_set.further_images(declared, table, vendor)
        document = image_set.image_set(found, catalogs, further)
        notes = image_set.notes(found, declared, table, vendor, catalogs, [name for name, listed in images.items() if not listed])
        listed = sorted({image for group in images.values() for image in group} | set(further))
        contents = {"imageset-config.yaml": _text(document, notes), "images.txt": "".join(f"{image}\n" for image in listed)}
        try:
            changed = _write(Path(args["dir"]), contents, bool(self._task.check_mode))
        except OSError as error:
            return failure(f"The mirror list can't be written: {args['dir']}: {error.strerror}. Name a folder that may be written.")
        host = str(task_vars.get("inventory_hostname", "cluster"))
        for line in [*(f"note  {note}" for note in notes), f"mirror list: {args['dir']}/imageset-config.yaml, {len(listed)} images in images.txt"]:
            self.show(host, line)
        return {"changed": bool(changed), "image_set": document, "images": listed, "notes": notes}


def _images(cluster: Any, package: Package) -> list[str]:
    """Images of a package's version: of the CSV where it is installed, else of the catalog, which shows those of channel heads."""
    if not package.csv:
        return []
    try:
        path = cluster.path(OLM, "ClusterServiceVersion", package.namespace, package.csv) if package.namespace else ""
        installed = cluster.find(path) if path else None
        if installed:
            return [image for row in rows(installed, "spec", "relatedImages") if (image := text(row, "image"))]
        base = cluster.path("packages.operators.coreos.com/v1", "PackageManifest", package.catalog_namespace)
        manifests = cluster.list(base, field_selector=f"metadata.name={package.name}")
    except (Forbidden, KindMissing):
        return []
    heads = [channel for manifest in manifests for channel in rows(manifest, "status", "channels") if channel.get("currentCSV") == package.csv]
    listed = [dig(head, "currentCSVDesc", "relatedImages") for head in heads]
    return [image for names in listed[:1] if isinstance(names, list) for image in names if isinstance(image, str)]


def _text(document: dict[str, Any], notes: list[str]) -> str:
    head = ["# Written by llmd.openshift (playbooks/mirror.yml) for oc-mirror v2: oc-mirror --v2 -c imageset-config.yaml ..."]
    return "\n".join([*head, *(f"# {note}" for note in notes)]) + "\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=4096)


def _write(folder: Path, contents: dict[str, str], check: bool) -> list[str]:
    changed = [name for name, text_ in contents.items() if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text_]
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            (folder / name).write_text(contents[name], encoding="utf-8")
    return changed
