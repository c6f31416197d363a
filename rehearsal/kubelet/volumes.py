# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's volumes as folders on this machine.

Kept up to date like the kubelet's: ``refresh`` reads Secrets and ConfigMaps again, swaps the files at once, and asks for a new
token when 80 % of the old one's life is over.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.kube import Kube, KubeError
from rehearsal.kubelet import atomic
from rehearsal.kubelet.cluster import Config
from rehearsal.kubelet.env import ConfigError
from rehearsal.kubelet.quantity import parse

Obj = dict[str, Any]
DEFAULT_MODE = 0o644
TOKEN_SECONDS = 3600
TOKEN_RENEW = 0.8
LIVE = ("secret", "configMap", "projected", "downwardAPI")  # kinds whose files follow the API


class MountError(Exception):
    """A volume can't be set up (yet). The text is what the kubelet's FailedMount event says."""


def on_claim(volume: Obj) -> bool:
    """Whether the volume is a PersistentVolumeClaim, the pod's own (generic ephemeral) or another."""
    return "persistentVolumeClaim" in volume or "ephemeral" in volume


@dataclass
class Token:
    text: str
    renew_at: float


@dataclass
class Volumes:
    """The volumes of one pod, below ``folder``."""

    pod: Obj
    folder: Path
    claims: Path  # a folder for each PersistentVolume
    kube: Kube
    config: Config
    field_of: Callable[[str], str]
    resource_of: Callable[[Obj], str]
    clock: Callable[[], float] = time.time
    _tokens: dict[tuple[str, int], Token] = field(default_factory=dict)
    _mounted: list[Path] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return str(self.pod["metadata"]["namespace"])

    def set_up(self) -> None:
        """Make all volumes. Raises MountError for the first that can't be made."""
        for volume in self.pod["spec"].get("volumes") or []:
            if "emptyDir" in volume:
                self._empty(volume["emptyDir"] or {}, self.folder / volume["name"])
            elif on_claim(volume):
                folder = self._claim_folder(volume)
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o777)
            elif any(kind in volume for kind in LIVE):
                self._fill(volume)
            else:
                kind = next((key for key in volume if key != "name"), "unknown")
                raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : '
                                 f"the rehearsal has no volumes of kind {kind}")

    def refresh(self) -> bool:
        """Bring the files up to date; True when something changed. Trouble leaves the old files, as the kubelet does."""
        changed = False
        for volume in self.pod["spec"].get("volumes") or []:
            if any(kind in volume for kind in LIVE):
                try:
                    changed = self._fill(volume) or changed
                except (MountError, KubeError):
                    continue
        return changed

    def path(self, name: str) -> Path:
        volume = next((v for v in self.pod["spec"].get("volumes") or [] if v["name"] == name), None)
        if volume and on_claim(volume):
            return self._claim_folder(volume)
        return self.folder / name

    def tear_down(self) -> None:
        for path in self._mounted:
            shutil.rmtree(path, ignore_errors=True)  # frees the memory even while a mount namespace still holds the tmpfs
            subprocess.run(["umount", "-l", str(path)], capture_output=True, check=False)
        self._mounted.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- kinds ---------------------------------------------------------------------------------------------------

    def _empty(self, spec: Obj, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        if spec.get("medium") != "Memory" or path in self._mounted:
            return
        size = f",size={int(parse(spec['sizeLimit']))}" if spec.get("sizeLimit") else ""
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=777{size}", "tmpfs", str(path)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise MountError(f'MountVolume.SetUp failed for volume "{path.name}" : {done.stderr.strip()}')
        self._mounted.append(path)

    def _claim_folder(self, volume: Obj) -> Path:
        # A generic ephemeral volume is a claim that the controller manager makes, named after pod and volume.
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName") or f"{self.pod['metadata']['name']}-{volume['name']}"
        claim = self.kube.get(f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims/{name}")
        if claim is None:
            raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : persistentvolumeclaim "{name}" not found')
        bound = claim["spec"].get("volumeName")
        if not bound or (claim.get("status") or {}).get("phase") != "Bound":
            raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : PVC {self.namespace}/{name} is not bound')
        return self.claims / bound

    def _fill(self, volume: Obj) -> bool:
        try:
            return atomic.write(self.folder / volume["name"], self._files(volume))
        except (ConfigError, ValueError) as error:
            raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error
        except KubeError as error:
            raise MountError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error.message}') from error

    def _files(self, volume: Obj) -> atomic.Files:
        if "projected" in volume:
            source = volume["projected"] or {}
            files: atomic.Files = {}
            for piece in source.get("sources") or []:
                files.update(self._source(piece, source.get("defaultMode", DEFAULT_MODE)))
            return files
        kind = next(kind for kind in LIVE if kind in volume)
        spec = volume[kind] or {}
        if kind == "secret":
            return self._keyed("secret", spec.get("secretName", ""), spec, spec.get("defaultMode", DEFAULT_MODE))
        if kind == "configMap":
            return self._keyed("configmap", spec.get("name", ""), spec, spec.get("defaultMode", DEFAULT_MODE))
        return self._downward(spec, spec.get("defaultMode", DEFAULT_MODE))

    def _source(self, piece: Obj, mode: int) -> atomic.Files:
        if "secret" in piece:
            return self._keyed("secret", piece["secret"].get("name", ""), piece["secret"], mode)
        if "configMap" in piece:
            return self._keyed("configmap", piece["configMap"].get("name", ""), piece["configMap"], mode)
        if "downwardAPI" in piece:
            return self._downward(piece["downwardAPI"], mode)
        if "serviceAccountToken" in piece:
            spec = piece["serviceAccountToken"]
            text = self._token(spec.get("audience", ""), int(spec.get("expirationSeconds") or TOKEN_SECONDS))
            return {spec["path"]: (text.encode(), mode)}
        raise MountError(f"the rehearsal has no projected source of kind {next(iter(piece), 'unknown')}")

    def _keyed(self, kind: str, name: str, spec: Obj, mode: int) -> atomic.Files:
        data = self.config.content(kind, self.namespace, name)
        if data is None:
            if spec.get("optional"):
                return {}
            raise ConfigError(f'{kind} "{name}" not found')
        if not spec.get("items"):
            return {key: (value, mode) for key, value in data.items()}
        files: atomic.Files = {}
        for item in spec["items"]:
            if item["key"] in data:
                files[item["path"]] = (data[item["key"]], item.get("mode", mode))
            elif not spec.get("optional"):
                raise ConfigError(f"references non-existent {'secret' if kind == 'secret' else 'config'} key: {item['key']}")
        return files

    def _downward(self, spec: Obj, mode: int) -> atomic.Files:
        files: atomic.Files = {}
        for item in spec.get("items") or []:
            if "fieldRef" in item:
                text = self.field_of(item["fieldRef"]["fieldPath"])
            else:
                text = self.resource_of(item["resourceFieldRef"])
            files[item["path"]] = (text.encode(), item.get("mode", mode))
        return files

    def _token(self, audience: str, seconds: int) -> str:
        """A token bound to this pod: it dies with the pod, and its holder has the ServiceAccount's rights."""
        now, kept = self.clock(), self._tokens.get((audience, seconds))
        if kept and now < kept.renew_at:
            return kept.text
        meta, account = self.pod["metadata"], self.pod["spec"].get("serviceAccountName") or "default"
        bound = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
        request: Obj = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            request["audiences"] = [audience]
        answer = self.kube.create(f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": request})
        token = Token(answer["status"]["token"], now + TOKEN_RENEW * seconds)
        self._tokens[(audience, seconds)] = token
        return token.text
