# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that come from data are those that the data give now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def docs():
    spec = importlib.util.spec_from_file_location("llmd_docs", ROOT / "tools" / "docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = docs().pages()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name], "run: python tools/docs.py"


def test_each_rule_has_a_page_and_each_page_a_rule():
    assert {path.name for path in (ROOT / "docs" / "rules").glob("*.md")} == {name.removeprefix("rules/") for name in PAGES if "/" in name}


def test_a_stale_page_is_found(tmp_path, monkeypatch, capsys):
    module = docs()
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["docs.py", "--check"])
    assert module.main() == 1 and "docs/rules.md" in capsys.readouterr().out
    assert list((tmp_path / "docs").iterdir()) == []
