# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets planted wherever one can be are in no output at -vvv, event, report, bundle or export, on the oldest, a middle and the newest ansible-core.

The file's cluster is served once; each ansible-core then runs the playbooks that read the most.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.rehearsal.steps import apply, one_cluster
from tests.integration.site.play import ROOT, Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

# By place: none may show up anywhere.
PLANTED = {
    "Secret of the model": "hf_plantedInSecret0123456789abcdef",
    "literal variable": "plain-variable-s3cret-4711",
    "annotation": "hf_plantedInNote0123456789abcdefgh",
    "header in a variable": "sk-plantedInHeader0123456789abcdef",
}
PROXY = "pr0xy-passw0rd-4711"
SERVICE = ("llminferenceservice", "llmd", "-n", "llmd")
# Playbook -> what it is given besides.
RUNS: dict[str, dict[str, Any]] = {
    "playbooks/assess.yml": {},
    "playbooks/plan.yml": {},
    "playbooks/verify.yml": {},
    "playbooks/diagnose.yml": {"llmd_bundle": "bundle.tar.gz"},
    "site.yml": {"llmd_export": "export"},
    "playbooks/teardown.yml": {},
}
CHECKED = ("playbooks/teardown.yml",)  # in check mode: the cluster stays


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served path with secrets in it, as people leave them there."""
    for rehearsal in one_cluster(request, f"secrets-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10"):
        site = Site(rehearsal, tmp_path_factory.mktemp("secrets"))
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "model", "namespace": "llmd"}, "stringData": {"HF_TOKEN": PLANTED["Secret of the model"]}}
        apply(rehearsal, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "llmd"}}, secret)
        done = site.run(llmd_model_credentials_secret="model")
        assert done.rc == 0, done.output[-3000:]
        rehearsal.kubectl("annotate", *SERVICE, f"team.example.com/note=key {PLANTED['annotation']}")
        container = rehearsal.get(*SERVICE)["spec"]["template"]["containers"][0]
        more = [{"name": "HF_TOKEN", "value": PLANTED["literal variable"]}, {"name": "UPSTREAM_HEADERS", "value": f"Authorization: Bearer {PLANTED['header in a variable']}"}]
        changed = {**container, "env": [*(container.get("env") or []), *more]}
        rehearsal.kubectl("patch", *SERVICE, "--type", "merge", "-p", json.dumps({"spec": {"template": {"containers": [changed]}}}))
        rehearsal.kubectl("wait", *SERVICE, "--for=condition=Ready", "--timeout=300s")
        yield site


def token(site: Site) -> str:
    return str(yaml.safe_load(Path(site.rehearsal.kubeconfig).read_text())["users"][0]["user"]["token"])


def connection(site: Site) -> dict[str, Any]:
    """By URL and token, which are variables then."""
    config = yaml.safe_load(Path(site.rehearsal.kubeconfig).read_text())["clusters"][0]["cluster"]
    return {"llmd_kubeconfig": None, "llmd_host": config["server"], "llmd_token": token(site), "llmd_validate_certs": False}


def run(program: Path, site: Site, folder: Path, playbook: str, variables: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    extra = {"rehearsal_name": site.rehearsal.name, "llmd_output_dir": str(folder / "reports"), "llmd_model_credentials_secret": "model", **variables}
    file = folder / "extra.json"  # as the controller hands them over: a command line would be everybody's to read
    file.write_text(json.dumps(extra))
    command = [str(program), playbook, "-i", "inventories/rehearsal", "-vvv", "-e", f"@{file}", *(["--check"] if playbook in CHECKED else [])]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, timeout=900)
    file.unlink()
    return done


def written(folder: Path) -> bytes:
    """Everything below the folder, archives opened."""
    kept = []
    for path in sorted(folder.rglob("*")):
        if tarfile.is_tarfile(path) if path.is_file() else False:
            with tarfile.open(path) as archive:
                kept += [file.read() for name in archive.getnames() if (file := archive.extractfile(name))]
        elif path.is_file():
            kept.append(path.read_bytes())
    return b"\n".join(kept)


@pytest.mark.parametrize("core", ["2.16", "2.19", "newest"])
def test_no_planted_secret_gets_out(core: str, served: Site, old_core: Callable[[str], Path], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("ansible-playbook") if core == "newest" else old_core(core)
    secrets = {**PLANTED, "token": token(served)}
    said = ""
    for by in ({}, connection(served)):
        for playbook, given in RUNS.items():
            folder = tmp_path / f"{'token' if by else 'kubeconfig'}-{Path(playbook).stem}"
            folder.mkdir()
            paths = {key: str(folder / value) for key, value in given.items()}
            done = run(program, served, folder, playbook, {**by, **paths})
            said += done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr, (done.stdout + done.stderr)[-3000:]
            assert "PLAY RECAP" in done.stdout, (done.stdout + done.stderr)[-3000:]
            if playbook == "playbooks/verify.yml":  # the runs do read all of it
                assert done.returncode == 0, done.stdout[-3000:]
    stored = written(tmp_path)
    assert b"llminferenceservice" in stored.lower() and "TASK [" in said
    for place, secret in secrets.items():
        assert secret not in said, f"{place}: in the output of ansible-core {core}"
        assert secret.encode() not in stored, f"{place}: in a file that ansible-core {core} left"


def test_a_proxy_s_password_is_hidden(served: Site, tmp_path: Path) -> None:
    proxy = f"http://user:{PROXY}@127.0.0.1:9"
    done = run(Path(sys.executable).with_name("ansible-playbook"), served, tmp_path, "playbooks/assess.yml", {"llmd_proxy": proxy})
    assert done.returncode != 0 and "llmd_proxy: must not carry a user or a password" in done.stdout
    assert PROXY not in done.stdout + done.stderr
    assert PROXY.encode() not in written(tmp_path)
