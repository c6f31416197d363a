# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of Node Feature Discovery: operators, matchAny, back references, names, and what they do to nodes."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.operators import nfd_rules
from rehearsal.operators.nfd import Nfd
from rehearsal.operators.nfd_features import BadConfig, features, labels, parse_config

AMD = {"vendor": {"op": "In", "value": ["1002"]}, "device": {"op": "In", "value": ["74a5", "74a1"]}}
FOUND: dict[str, Any] = {
    "attributes": {"kernel.version": {"elements": {"full": "5.14.0", "major": "5"}}, "memory.numa": {"elements": {"is_numa": "true"}}},
    "flags": {"kernel.loadedmodule": {"elements": {"xfs": {}, "nvme": {}}}},
    "instances": {"pci.device": {"elements": [
        {"attributes": {"class": "1200", "vendor": "1002", "device": "74a1"}},
        {"attributes": {"class": "0200", "vendor": "14e4", "device": "1760"}},
    ]}},
}  # fmt: skip


def rule(feature: str, name: str = "r", **expressions: Any) -> dict[str, Any]:
    return {"name": name, "labels": {name: "true"}, "matchFeatures": [{"feature": feature, "matchExpressions": expressions}]}


def matches(feature: str, **expressions: Any) -> bool:
    return nfd_rules.matches(rule(feature, **expressions), FOUND)


class TestOperators:
    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ({"op": "In", "value": ["5", "6"]}, True),
            ({"op": "NotIn", "value": ["5"]}, False),
            ({"op": "NotIn", "value": ["6"]}, True),
            ({"op": "InRegexp", "value": ["^[45]$"]}, True),
            ({"op": "Exists"}, True),
            ({"op": "DoesNotExist"}, False),
            ({"op": "Gt", "value": ["4"]}, True),
            ({"op": "Ge", "value": ["5"]}, True),
            ({"op": "Lt", "value": ["5"]}, False),
            ({"op": "Le", "value": ["5"]}, True),
            ({"op": "GtLt", "value": ["4", "6"]}, True),
            ({"op": "GeLe", "value": ["6", "9"]}, False),
            ({"op": ""}, True),
        ],
    )
    def test_on_an_attribute(self, expression: dict[str, Any], expected: bool) -> None:
        assert matches("kernel.version", major=expression) is expected

    def test_booleans(self) -> None:
        assert matches("memory.numa", is_numa={"op": "IsTrue"})
        assert not matches("memory.numa", is_numa={"op": "IsFalse"})

    def test_what_is_absent_matches_only_doesnotexist(self) -> None:
        assert matches("kernel.version", minor={"op": "DoesNotExist"})
        assert not matches("kernel.version", minor={"op": "NotIn", "value": ["1"]})
        assert not matches("no.such", x={"op": "DoesNotExist"})  # the whole feature is not there

    def test_flags_have_no_value(self) -> None:
        assert matches("kernel.loadedmodule", xfs={"op": "Exists"})
        assert not matches("kernel.loadedmodule", xfs={"op": "In", "value": ["true"]})

    @pytest.mark.parametrize(
        ("expression", "why"),
        [
            ({"op": "Is"}, 'invalid Op "Is"'),
            ({"op": "In"}, "must be non-empty"),
            ({"op": "Exists", "value": ["x"]}, "must be empty"),
            ({"op": "Gt", "value": ["a"]}, 'not a number "a"'),
            ({"op": "GtLt", "value": ["1"]}, "exactly two elements"),
            ({"op": "InRegexp", "value": ["("]}, "valid regexps"),
        ],
    )
    def test_nonsense_is_told_and_gives_no_label(self, expression: dict[str, Any], why: str) -> None:
        made, _, faults = nfd_rules.evaluate([rule("kernel.version", "bad", major=expression), rule("kernel.version", "good")], FOUND)
        assert list(made) == ["feature.node.kubernetes.io/good"]
        assert why in faults[0]


class TestRules:
    def test_one_instance_must_match_all_expressions(self) -> None:
        assert matches("pci.device", **AMD)
        assert not matches("pci.device", vendor={"op": "In", "value": ["14e4"]}, device={"op": "In", "value": ["74a1"]})

    def test_matchany_is_or_and_matchfeatures_is_and(self) -> None:
        nothing = {"matchFeatures": rule("pci.device", vendor={"op": "In", "value": ["10de"]})["matchFeatures"]}
        something = {"matchFeatures": rule("pci.device", **AMD)["matchFeatures"]}
        assert nfd_rules.matches({"matchAny": [nothing, something]}, FOUND)
        assert not nfd_rules.matches({"matchAny": [nothing]}, FOUND)
        assert not nfd_rules.matches({"matchAny": [something], **nothing}, FOUND)

    def test_a_later_rule_sees_what_an_earlier_one_made(self) -> None:
        first = {**rule("pci.device", "amd", **AMD), "vars": {"kind": "mi300x"}}
        second = rule("rule.matched", "second", amd={"op": "IsTrue"}, kind={"op": "In", "value": ["mi300x"]})
        assert "feature.node.kubernetes.io/second" in nfd_rules.evaluate([first, second], FOUND)[0]
        assert "feature.node.kubernetes.io/second" not in nfd_rules.evaluate([second, first], FOUND)[0]

    def test_names_dynamic_values_and_foreign_namespaces(self) -> None:
        given = {"plain": "1", "vendor.io/x": "@kernel.version.major", "node-role.kubernetes.io/gpu": "", "lost": "@no.such.thing"}
        made, notes, faults = nfd_rules.evaluate([{"name": "n", "labels": given, "annotations": {"note": "hi"}}], FOUND)
        assert made == {"feature.node.kubernetes.io/plain": "1", "vendor.io/x": "5"}
        assert notes == {"feature.node.kubernetes.io/note": "hi"}
        assert len(faults) == 2

    def test_matchname(self) -> None:
        term = {"feature": "kernel.loadedmodule", "matchName": {"op": "InRegexp", "value": ["^nv"]}}
        assert nfd_rules.matches({"matchFeatures": [term]}, FOUND)

    def test_what_is_not_played_is_told(self) -> None:
        assert "labelsTemplate is not played" in nfd_rules.evaluate([{"name": "t", "labelsTemplate": "x=1"}], FOUND)[2][0]


class TestNodes:
    def test_the_workers_own_rules(self, server: Any, openshift: Any) -> None:
        text = """
sources:
  custom:
    - name: h200
      labels: {"feature.node.kubernetes.io/h200": "true", here: "1"}
      matchFeatures: [{feature: pci.device, matchExpressions: {device: {op: In, value: ["2335"]}}}]
"""
        made = labels(features(server, openshift), parse_config(text))
        assert made["feature.node.kubernetes.io/h200"] == "true"
        assert made["feature.node.kubernetes.io/here"] == "1"

    @pytest.mark.parametrize("custom", ["{name: x}", "[1, 2]", "text"])
    def test_rules_that_are_none_crash_the_worker(self, custom: str) -> None:
        with pytest.raises(BadConfig, match="sources.custom"):
            parse_config(f"sources:\n  custom: {custom}\n")

    def test_a_nodefeaturerule_labels_the_node_and_takes_the_label_away(self, world: Any) -> None:
        world.no_delays()
        world.node("gpu-0", {"node-role.kubernetes.io/worker": ""})
        world.kube.add({"apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": {"name": "nfd", "namespace": "nfd"}, "spec": {}})
        pod = world.pod("nfd-worker-x", "gpu-0", "nfd", metadata={"labels": {"app": "nfd-worker"}})
        spec = {"rules": [rule("pci.device", "h200", device={"op": "In", "value": ["2335"]})]}
        found = world.kube.add({"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeatureRule", "metadata": {"name": "r"}, "spec": spec})
        nfd = world.run(Nfd, {"metadata": {"name": "nfd.4.20", "namespace": "nfd"}, "spec": {}})
        assert [item["metadata"]["name"] for item in nfd.route("ADDED", found)] == ["nfd-worker-x"]
        nfd.reconcile(world.kube, pod)
        assert world.kube.get("v1|Node||gpu-0")["metadata"]["labels"]["feature.node.kubernetes.io/h200"] == "true"
        world.kube.delete(world.kube.path_of(found))
        nfd.reconcile(world.kube, pod)
        assert "feature.node.kubernetes.io/h200" not in world.kube.get("v1|Node||gpu-0")["metadata"]["labels"]
