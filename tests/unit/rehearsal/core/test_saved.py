# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved states: what is kept, what is refused, and that nobody writes meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rehearsal import cli, prepare, saved, settings_file
from rehearsal.errors import RehearsalError
from rehearsal.pki import Authority, key_pair
from rehearsal.prepare import Wanted

WANTED = Wanted("a", "h200-roce", "4.20", ["node-not-ready"], 4.0).as_dict()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMD_STATE", str(tmp_path))
    folder = tmp_path / "rehearsal" / "a"
    pki = folder / "run" / "pki"
    pki.mkdir(parents=True)
    Authority(pki, "kube-apiserver-lb-signer")
    key_pair(pki, "service-account")
    (pki / "tokens.csv").write_text("secret")
    for place in ("kubelet/claims/c", "kubelet/pods/p", "tmp/x", "catalogs/r"):
        (folder / "run" / place).mkdir(parents=True)
    (folder / "etcd" / "member").mkdir(parents=True)
    (folder / "etcd" / "member" / "db").write_text("all objects")
    settings = {"code": saved.code(), "cluster_id": "old", "profile": {"name": "p"}, "scenario": {}, "addresses": ["198.18.0.10"]}
    (folder / "run" / "settings.json").write_text(json.dumps(settings))
    return folder


def status(**changes: Any) -> dict[str, Any]:
    return {"name": "a", "state": "ready", "pids": {}, "openshift": "4.20.20", "wanted": WANTED, **changes}


def age(name: str, path: str = "seed.py") -> None:
    """Let a file of the rehearsal look as if it had changed since."""
    file = saved.folder(name) / "meta.json"
    meta = json.loads(file.read_text())
    meta["code"][path] = "0" * 16
    file.write_text(json.dumps(meta))


def test_a_state_holds_the_database_and_files_but_nobodys_tokens(state: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(state / "run" / "s.sock"))
        saved.save(state, status(), "ready")
    kept = saved.folder("ready")
    assert (kept / "etcd" / "member" / "db").read_text() == "all objects"
    assert (kept / "run" / "kubelet" / "claims" / "c").is_dir() and (kept / "run" / "catalogs" / "r").is_dir()
    assert sorted(path.name for path in (kept / "run" / "pki").iterdir()) == sorted(saved.KEYS)
    assert not any((kept / "run" / name).exists() for name in ("kubelet/pods", "tmp", "s.sock"))
    assert [path.name for path in saved.root().iterdir()] == ["ready"], "no half-made folder is left"


def test_bringing_back_makes_a_rehearsal_of_its_own(state: Path) -> None:
    saved.save(state, status(), "ready")
    ca = (state / "run" / "pki" / "kube-apiserver-lb-signer.crt").read_bytes()
    settings = prepare.prepare(Wanted("b", "h200-roce", "4.20", speed=9.0, saved="ready"), {"etcd": "/bin/etcd"})
    other = state.parent / "b"
    assert settings["cluster_id"] != "old" and (settings["name"], settings["speed"]) == ("b", 9.0)
    assert settings["state"] == str(other) and settings["kubeconfig"].startswith(str(other))
    assert settings["addresses"] == ["198.18.0.10"] and settings["bin"] == {"etcd": "/bin/etcd"}
    assert (other / "etcd" / "member" / "db").read_text() == "all objects"
    assert Authority.kept(other / "run" / "pki", "kube-apiserver-lb-signer").path.read_bytes() == ca
    assert settings_file.read_settings(other) == settings


def test_a_kept_authority_signs_what_its_certificate_vouches_for(tmp_path: Path) -> None:
    first = Authority.kept(tmp_path, "ca")
    again = Authority.kept(tmp_path, "ca")
    assert again.certificate == first.certificate
    certificate, _key = again.issue("server", ["127.0.0.1"])
    done = subprocess.run(["openssl", "verify", "-CAfile", str(first.path), str(certificate)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_state_of_other_code_is_refused_and_says_what_changed(state: Path) -> None:
    saved.save(state, status(), "ready")
    assert saved.load("ready")["wanted"] == WANTED and saved.usable("ready")
    age("ready")
    assert not saved.usable("ready")
    with pytest.raises(RehearsalError, match=r"'ready' is refused.*another version.*seed\.py.*save --as ready") as error:
        saved.load("ready")
    assert error.value.code == 2


def test_code_of_the_start_counts_not_that_of_the_save(state: Path) -> None:
    settings = json.loads((state / "run" / "settings.json").read_text())
    settings["code"]["olm.py"] = "0" * 16
    (state / "run" / "settings.json").write_text(json.dumps(settings))
    saved.save(state, status(), "ready")
    assert not saved.usable("ready")


def test_an_unknown_name_gets_the_nearest_one(state: Path) -> None:
    saved.save(state, status(), "operators-installed")
    with pytest.raises(RehearsalError, match="did you mean 'operators-installed'"):
        saved.load("operator-installed")
    with pytest.raises(RehearsalError, match="Unknown saved state"):
        saved.drop("nonesuch")
    saved.drop("operators-installed")
    assert saved.names() == []


def test_only_a_ready_rehearsal_is_saved_and_a_failed_copy_leaves_nothing(state: Path) -> None:
    with pytest.raises(RehearsalError, match="its state is starting"):
        saved.save(state, status(state="starting"), "x")
    (state / "run" / "pki" / "service-account.key").unlink()
    with pytest.raises(OSError):
        saved.save(state, status(), "x")
    assert list(saved.root().iterdir()) == []


def test_writers_stand_still_and_go_on_whatever_happens() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def letter() -> str:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    try:
        with pytest.raises(ZeroDivisionError), saved.standing_still([process.pid]):
            assert letter() == "T"
            raise ZeroDivisionError
        assert letter() != "T"
        with saved.standing_still([2**22 + 1]):
            pass  # gone: nothing to stop
    finally:
        process.kill()
        process.wait()


def test_a_state_brings_all_but_the_speed(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("rehearsal.sandbox.check", lambda: None)
    saved.save(state, status(), "ready")
    assert cli.main(["up", "--from-saved", "ready", "--profile", "l40s", "--scenario", "epp-dead"]) == 2
    assert "--profile and --scenario can't be given with --from-saved" in capsys.readouterr().err
    assert cli._from_saved("b", "ready", None) == Wanted("b", "h200-roce", "4.20", ["node-not-ready"], 4.0, "ready")
    assert cli._from_saved("b", "ready", 2.0).speed == 2.0
    age("ready")
    assert cli.main(["up", "--name", "b", "--from-saved", "ready"]) == 2
    assert "is refused" in capsys.readouterr().err
    assert not (state.parent / "b").exists(), "refused before anything is made"


def test_states_are_listed_with_what_they_are_good_for(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved.save(state, status(), "ready")
    assert cli.main(["saved", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["profile"], row["usable"]) == ("ready", "h200-roce", True)
    age("ready")
    cli.main(["saved"])
    assert "can't be used" in capsys.readouterr().out
    assert cli.main(["saved", "--drop", "ready"]) == 0
    assert capsys.readouterr().out == ""


def test_save_needs_one_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["save", "--name", "nonesuch", "--as", "x"]) == 2
    assert "there is nothing to save" in capsys.readouterr().err
    assert os.listdir(saved.root().parent) == ["rehearsal"]
