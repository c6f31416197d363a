# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern's files are those that the data give now, and fit the pattern's schema."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "tests/unit/data/pattern_schema.json").read_text())


def tool():
    spec = importlib.util.spec_from_file_location("llmd_aap", ROOT / "tools" / "aap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = tool().made()


@pytest.mark.parametrize("name", MADE)
def test_file_is_up_to_date(name):
    assert (ROOT / name).read_text(encoding="utf-8") == MADE[name], "run: python tools/aap.py"


def test_the_pattern_fits_what_the_service_takes():
    (text,) = [text for name, text in MADE.items() if name.endswith("pattern.json")]
    found = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    folder = ROOT / "extensions" / "patterns" / found["name"]
    assert (folder / "README.md").exists()
    templates = found["aap_resources"]["controller_job_templates"]
    assert len([one for one in templates if one["primary"]]) == 1
    for one in templates:
        assert (folder / "playbooks" / one["playbook"]).exists()
        spec = yaml.safe_load((folder / "playbooks" / one["playbook"].replace(".yml", ".meta.yml")).read_text())
        (entry,) = spec["argument_specs"].values()
        assert set(entry["options"]) == {question["variable"] for question in one["survey"]["spec"]}


def test_the_schema_refuses_a_broken_pattern():
    (text,) = [text for name, text in MADE.items() if name.endswith("pattern.json")]
    broken = json.loads(text)
    broken["aap_resources"]["controller_job_templates"][0]["survey"]["spec"][0]["type"] = "choice"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_a_stale_file_is_found(tmp_path, monkeypatch, capsys):
    module = tool()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["aap.py", "--check"])
    assert module.main() == 1 and "pattern.json" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
