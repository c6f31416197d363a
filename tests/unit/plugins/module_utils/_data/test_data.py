# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every data file fits its schema and makes sense with the others; broken ones are refused with file and place."""

from __future__ import annotations

import datetime
import json
import shutil

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess.registry import RULES, known_ids
from ansible_collections.llmd.openshift.plugins.module_utils._data import files, quantity, versions
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check
from ansible_collections.llmd.openshift.plugins.module_utils._declare.formats import FORMATS

PATHS = {"inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism"}


@pytest.fixture
def broken(tmp_path):
    """A copy of data/ to break."""
    root = tmp_path / "data"
    shutil.copytree(files.ROOT, root)
    return root


def test_all_files_load():
    data = facts()
    assert data.releases == ["2.25", "3.0", "3.2", "3.3", "3.4", "3.5"]
    assert {"rhods-operator", "nfd", "gpu-operator-certified", "lvms-operator", "rhcl-operator"} <= set(data.operators)


@pytest.mark.parametrize("release", facts().releases)
def test_matrix_has_no_gap_and_no_overlap(release):
    rows = facts().matrix[release]["rows"]
    cells = [(row["path"], row["vendor"]) for row in rows]
    assert len(cells) == len(set(cells))
    assert {path for path, vendor in cells if vendor == "nvidia"} == PATHS
    assert set(facts().matrix[release]["mixed_accelerators"]) == PATHS


def test_every_row_is_dated_and_not_from_the_future():
    today = datetime.date(2026, 11, 24)
    for release in facts().matrix.values():
        dates = [release["retrieved"], *(row["retrieved"] for row in [*release["rows"], *release["notes"]])]
        assert all(datetime.date.fromisoformat(date) <= today for date in dates)


def test_models_of_the_matrix_are_known_devices():
    listed = {
        model for release in facts().matrix.values() for row in release["rows"] for model in row["accelerators"] or []
    }
    assert listed <= set(facts().gpu_models.values())
    assert listed <= set(facts().traits["models"])


@pytest.mark.parametrize("package", sorted(facts().operators))
def test_exact_versions_are_among_the_accepted(package):
    row = facts().operators[package]
    for version in row["versions"]:
        if version["csv"]:
            parsed = versions.of_csv(version["csv"], row["csv_prefix"])
            assert parsed and versions.within(parsed, version.get("at_least"), version.get("below")), version["csv"]
        low, high = versions.parse(version.get("at_least")), versions.parse(version.get("below"))
        assert low is None or high is None or low < high


def test_every_release_has_an_exact_openshift_ai():
    named = {release for version in facts().operators["rhods-operator"]["versions"] for release in version["releases"]}
    assert named == set(facts().releases)


def test_quirk_ids_are_unique_and_no_rule_has_one():
    ids = [quirk["id"] for quirk in facts().quirks]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {rule.id for rule in RULES}
    assert set(ids) < known_ids(ids)


def test_every_option_example_and_default_is_accepted():
    """The documentation can't show what the check refuses."""
    data = facts()
    options = data.declaration["options"]
    examples = {
        option["name"]: option["example"] for option in options if "example" in option and not option.get("excludes")
    }
    examples |= {"llmd_kubeconfig": "x", "llmd_host": None, "llmd_token": None}
    values, errors = check(data.declaration, examples, data.releases, ["serving"])
    assert errors == []
    for option in options:
        assert option.get("format") is None or option["format"] in FORMATS
        assert "needed_if" not in option or option["needed_if"]["option"] in {other["name"] for other in options}


def test_schema_enum_of_formats_is_the_list_of_formats():
    schema = json.loads((files.ROOT / "schema" / "declaration.json").read_text())
    assert set(schema["$defs"]["option"]["properties"]["format"]["enum"]) == set(FORMATS)


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        ("matrix/3.3.yml", "tier: GA", "tier: gold", "tier"),
        ("matrix/3.3.yml", "vendor: amd", "vendor: intel", "vendor"),
        ("operators/nfd.yml", "package: nfd", "pakage: nfd", "pakage"),
        ("quirks/versions.yml", "blocking: true", "blocking: maybe", "blocking"),
        ("traits.yml", "pcie_generation: 4", "pcie_generation: four", "A100"),
        ("declaration.yml", "type: int", "type: integer", "type"),
        ("disruptions.yml", "minutes: 5", "minutes: soon", "minutes"),
        ("automation.yml", "vendors: [", "vendors: [intel, ", "vendors"),
    ],
)
def test_a_broken_file_is_refused_by_name_and_place(broken, file, old, new, where):
    path = broken / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        facts(broken)
    assert file in str(error.value) and where in str(error.value)


def test_not_yaml_names_the_line(broken):
    (broken / "matrix" / "3.3.yml").write_text("a: 1\nb: [\n")
    with pytest.raises(DataError, match=r"isn't YAML: .*3\.3\.yml, line 3"):
        facts(broken)


def test_binary_junk_and_missing_files(broken):
    (broken / "traits.yml").write_bytes(b"\x80\x81\xff")
    with pytest.raises(DataError, match=r"traits\.yml"):
        facts(broken)
    (broken / "traits.yml").unlink()
    with pytest.raises(DataError, match="Can't read a data file"):
        facts(broken)


def test_two_files_for_one_release_are_ambiguous(broken):
    shutil.copy(broken / "matrix" / "3.3.yml", broken / "matrix" / "3.3-copy.yml")
    with pytest.raises(DataError, match="two files are for release 3.3"):
        facts(broken)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("4.19.9", "4.20.0"),
        ("4.20.0-rc.3", "4.20.0"),
        ("4.20.0-rc.3", "4.20.0-rc.12"),
        ("4.20.0-202510220911", "4.20.0-202602101230"),
        ("4.20.0", "4.20.0-202510220911"),
        ("v25.10.1", "v26.3.3"),
        ("3.2", "3.10"),
    ],
)
def test_order_of_versions(lower, higher):
    low, high = versions.parse(lower), versions.parse(higher)
    assert low and high and low < high


@pytest.mark.parametrize("text", ["", "4", "x.y", "4.20.0.1", None, 4.2, "٤.٢٠", "4" * 200, "4.20\n; rm"])
def test_what_is_no_version(text):
    parsed = versions.parse(text)
    assert parsed is None or (text == "4" and parsed.release == (4, 0, 0))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("32Gi", 32 * 2**30),
        ("500m", 0.5),
        ("4", 4),
        ("1.5k", 1500),
        ("", None),
        ("-1", None),
        ("4 Gi", None),
        ("1e3", None),
    ],
)
def test_quantities(text, number):
    assert quantity.parse(text) == number
