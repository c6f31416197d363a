# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: its definition is sound, everything in it is pinned, and exactly its packages run the jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.controller.job import ROOT, Controller
from tests.integration.conftest import Rehearsal
from tests.integration.operate.test_runner import by_kubeconfig, clean, cluster, token

DEFINITION = ROOT / "execution-environment.yml"


@pytest.fixture(scope="module")
def context() -> Path:
    """The build context, made offline as a site makes it."""
    environment = {**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9/", "ANSIBLE_GALAXY_SERVER_LIST": ""}
    subprocess.run([str(ROOT / "tools/ee.sh")], cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=300)
    return ROOT / "build/context"


def test_the_context_has_all_that_is_installed_and_ends_as_an_ordinary_user(context: Path) -> None:
    text = (context / "Containerfile").read_text()
    final = text.partition("AS final")[2]
    assert re.findall(r"^USER (\S+)", final, re.M)[-1] == "1000"
    # What the final image gets by pip is checked by hash; nothing else is installed by name.
    installs = [line for line in final.splitlines() if "pip install" in line]
    assert len(installs) == 1 and "--require-hashes" in installs[0]
    wanted = yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]
    for one in wanted:
        assert one["type"] == "file"
        with tarfile.open(context / "_build" / one["name"]) as archive:
            assert any(name.endswith("MANIFEST.json") for name in archive.getnames())


def test_every_package_is_pinned_by_hash() -> None:
    text = (ROOT / "requirements/ee.txt").read_text()
    packages = re.findall(r"^([a-z0-9][\w.-]*)==([\w.]+)", text, re.M)
    assert len(packages) == len([line for line in text.splitlines() if line and line[0] not in " #"])
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:])
    needed = {line.partition(">")[0].lower() for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")}
    assert needed <= {name for name, _version in packages}
    assert "ansible-core" not in {name for name, _version in packages}, "it is the base image's"


def test_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    definition = yaml.safe_load(DEFINITION.read_text())
    definition["dependencies"]["pyton"] = ["x"]
    (tmp_path / "ee.yml").write_text(yaml.safe_dump(definition))
    builder = str(Path(sys.executable).with_name("ansible-builder"))
    done = subprocess.run([builder, "create", "-f", str(tmp_path / "ee.yml"), "-c", str(tmp_path / "context")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "pyton" in done.stdout + done.stderr


PYTHONS = {"2.16": ("python3.11", "python3.12"), "": ("python3.13", "python3.12")}


@pytest.mark.wide
@pytest.mark.rehearsal
@pytest.mark.parametrize("core", PYTHONS, ids=lambda core: core or "newest")
def test_a_clean_environment_with_exactly_these_packages(core: str, rehearsal: Rehearsal, tmp_path: Path) -> None:
    """As the image: ansible-core is there, the rest comes from requirements/ee.txt, the collections from the context's files."""
    found = next(path for name in PYTHONS[core] for path in [_python(name)] if path)
    venv = tmp_path / "venv"
    subprocess.run([found, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"ansible-core~={core}.0" if core else "ansible-core"], check=True)
    subprocess.run([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(ROOT / "requirements/ee.txt")], check=True)

    controller = Controller(tmp_path, {"cluster-a": cluster(rehearsal)}, by_kubeconfig(rehearsal))
    for template in ("assess", "plan"):
        job = controller.launch(template, bin_dir=venv / "bin", arguments=("-vvv",))
        assert job.status == "successful", job.output[-3000:]
        clean(job, token(rehearsal))
        assert job.result["cluster_id"] == rehearsal.status["cluster_id"]
    job = controller.launch("provision", bin_dir=venv / "bin", arguments=("--check",))
    assert job.status == "successful", job.output[-3000:]


def _python(name: str) -> str | None:
    version = name.removeprefix("python")
    own = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    candidates = [shutil.which(name), *map(str, own)]
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return candidate
    return None
