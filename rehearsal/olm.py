# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Operator Lifecycle Manager: catalogs served by opm, catalog-operator, olm-operator, package-server."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rehearsal import catalog_render, paths
from rehearsal.controlplane import Files, Program, answers
from rehearsal.crds import Crds
from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube
from rehearsal.sandbox import API_ADDRESS, BRIDGE_ADDRESS

NAMESPACE = "openshift-operator-lifecycle-manager"
MARKETPLACE = "openshift-marketplace"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:olm-operator-serviceaccount"
# Below the ephemeral range, so that no client connection inside the sandbox can have taken them.
PORTS = {"redhat-operators": 15051, "certified-operators": 15052}
SERVICE = "packageserver-service"
UNPACK_SECONDS, UNPACK_LEAST = 600.0, 15.0  # OLM's default, and what a fast rehearsal leaves of it
# A CSV whose requirements aren't met yet is looked at again after pauses that double with each look. On a busy machine an InstallPlan
# takes so long that these reach minutes, and only the resync ends the wait; OLM's own is five minutes.
RESYNC_SECONDS = 60
PACKAGES_PORT = 5443
PACKAGES_API = "v1.packages.operators.coreos.com"

# package-server takes its identity only from where a pod has it; so it gets a mount namespace with these files.
AS_POD = """
mkdir -p /run/secrets
mount -t tmpfs -o mode=700 tmpfs /run/secrets
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cp "$1"/* /run/secrets/kubernetes.io/serviceaccount/
shift
exec "$@"
"""


def addresses() -> dict[str, str]:
    """CatalogSource name -> address of its gRPC service, as the seed writes it."""
    return {name: f"{BRIDGE_ADDRESS}:{port}" for name, port in PORTS.items()}


def write_catalog(name: str, folder: Path, crds: Crds, settings: Mapping[str, Any]) -> Path:
    """Render ``catalogs/<name>.yaml`` to a file-based catalog that opm can serve; returns its folder."""
    source = paths.PACKAGE / "catalogs" / f"{name}.yaml"
    catalog = yaml.safe_load(source.read_text(encoding="utf-8"))
    minor = ".".join(str(settings["openshift"]["version"]).split(".")[:2])
    try:
        blobs = catalog_render.render(catalog, crds.get, openshift=minor, scenario=settings["scenario"])
    except (KeyError, ValueError) as error:
        raise RehearsalError("a catalog can't be rendered", str(source), str(error), "Correct the file") from error
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(blob) for blob in blobs) + "\n"
    file = target / "catalog.json"
    if not file.exists() or file.read_text(encoding="utf-8") != text:  # a changed file makes opm start again
        file.write_text(text, encoding="utf-8")
    return target


def opm(binary: str, name: str, catalog: Path, state: Path) -> Program:
    """One catalog's gRPC service, with a private, fresh cache (opm locks it, and doesn't notice a changed catalog)."""
    work = state / "run" / "opm" / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    port = PORTS[name]
    pprof = f"localhost:{port + 100}"
    argv = [
        binary,
        "serve",
        str(catalog),
        f"--port={port}",
        f"--cache-dir={work / 'cache'}",
        "--cache-enforce-integrity=false",
        f"--termination-log={work / 'termination.log'}",
        f"--pprof-addr={pprof}",
    ]
    return Program(f"opm-{name}", argv, ready=_serving(port))


def catalog_operator(binary: str, files: Files, speed: float = 1.0) -> Program:
    argv = [
        binary,
        f"--kubeconfig={files.kubeconfig(ACCOUNT)}",
        f"--namespace={MARKETPLACE}",
        "--writeStatusName=",
        f"--bundle-unpack-timeout={max(UNPACK_LEAST, UNPACK_SECONDS / speed):.0f}s",
    ]
    return Program("catalog-operator", argv, ready=answers("http://127.0.0.1:8080/healthz"))


def olm_operator(binary: str, files: Files) -> Program:
    """With TLS flags, so that its fixed port is 8443 and not the 8080 of catalog-operator."""
    certificate, key = files.authority.issue("olm-operator", ("localhost", "127.0.0.1"))
    argv = [
        binary,
        f"--namespace={NAMESPACE}",
        f"--interval={RESYNC_SECONDS}s",
        "--writeStatusName=",
        "--writePackageServerStatusName=",
        f"--tls-cert={certificate}",
        f"--tls-key={key}",
        f"--client-ca={files.authority.path}",
    ]
    env = {
        "KUBECONFIG": str(files.kubeconfig(ACCOUNT)),
        "OPERATOR_NAME": "olm-operator",
        "OPERATOR_NAMESPACE": NAMESPACE,
    }
    return Program("olm-operator", argv, env, ready=answers("https://127.0.0.1:8443/healthz"))


def package_server(binary: str, files: Files) -> Program:
    """Serves PackageManifests: an aggregated API, reached through a Service of type ExternalName."""
    certificate, key = files.authority.issue("packageserver", (f"{SERVICE}.{NAMESPACE}.svc", "localhost", "127.0.0.1"))
    account = files.folder / "packageserver-account"
    account.mkdir(exist_ok=True)
    for name, text in (
        ("token", files.tokens[ACCOUNT]),
        ("ca.crt", files.authority.path.read_text()),
        ("namespace", NAMESPACE),
    ):
        (account / name).write_text(text, encoding="ascii")
    program = [
        binary,
        f"--secure-port={PACKAGES_PORT}",
        f"--global-namespace={MARKETPLACE}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
    ]
    argv = ["unshare", "--mount", "sh", "-ec", AS_POD, "as-pod", str(account), *program]
    env = {"KUBERNETES_SERVICE_HOST": API_ADDRESS, "KUBERNETES_SERVICE_PORT": "443"}
    return Program("package-server", argv, env, ready=answers(f"https://127.0.0.1:{PACKAGES_PORT}/healthz"))


def register_packages_api(kube: Kube, files: Files) -> None:
    """The Service and APIService through which the API server forwards to package-server.

    Call it when package-server answers: the API server looks again only after growing pauses at one that didn't.
    """
    ca = base64.b64encode(files.authority.path.read_bytes()).decode()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": BRIDGE_ADDRESS},
    }
    group, version = "packages.operators.coreos.com", "v1"
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": PACKAGES_API},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 2000,
            "versionPriority": 15,
            "caBundle": ca,
            "service": {"name": SERVICE, "namespace": NAMESPACE, "port": PACKAGES_PORT},
        },
    }
    kube.apply(service, manager="olm")
    kube.apply(api, manager="olm")


def forget_packages_api(kube: Kube) -> None:
    """Take away the APIService that a saved state brings: while nobody answers behind it, discovery hangs for all parts."""
    kube.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{PACKAGES_API}")


def packages_served(kube: Kube) -> bool:
    """Whether the aggregated API is there and has packages (the catalogs were read)."""
    api = kube.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{PACKAGES_API}") or {}
    conditions = api.get("status", {}).get("conditions", [])
    if not any(c["type"] == "Available" and c["status"] == "True" for c in conditions):
        return False
    return bool(kube.list(f"/apis/packages.operators.coreos.com/v1/namespaces/{MARKETPLACE}/packagemanifests"))


def _serving(port: int) -> Callable[[], bool]:
    """Whether the registry's gRPC health service says SERVING."""

    def ready() -> bool:
        import grpc  # a heavy import, needed only here

        # grpc.health.v1: an empty request; the answer's field 1 (varint) is 1 for SERVING.
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            try:
                return bool(check(b"", timeout=2.0) == b"\x08\x01")
            except grpc.RpcError:
                return False

    return ready
