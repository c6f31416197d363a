#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: report
short_description: Write the report of a run
version_added: "1.0.0"
description:
  - Writes C(report.html), C(report.json) (schema in C(data/schema/report.json)), C(report.md) for tickets, C(junit.xml) and C(snapshot.json) (the facts,
    to be judged again) to C(<output_dir>/<inventory_hostname>/) on the controller, prints a short summary, and hands a small summary on by custom stats.
  - Adds the cluster's row to the table of the run, C(<output_dir>/fleet.html), C(fleet.csv) and C(fleet.json) (schema in C(data/schema/fleet.json)), which
    therefore is there however other clusters end.
  - With C(redact_names) in the declaration the names of nodes and cluster are replaced by numbers in all of these files.
  - Every fact may be empty when the run stopped before the stage that makes it; the report then says what is missing.
  - The task never reports a change, the files belong to the controller and not to the cluster.
options:
  declared:
    description: The declaration, as made by M(llmd.openshift.declare).
    type: dict
    default: {}
  snapshot:
    description: The snapshot, as made by M(llmd.openshift.cluster_snapshot).
    type: dict
    default: {}
  assessment:
    description: The assessment, as made by M(llmd.openshift.assess).
    type: dict
    default: {}
  plan:
    description: The plan, as made by M(llmd.openshift.plan).
    type: dict
    default: {}
  diagnosis:
    description: The diagnosis, as made by M(llmd.openshift.diagnose).
    type: dict
    default: {}
  measured:
    description: Results of M(llmd.openshift.fabric_check) (C(fabric)) and M(llmd.openshift.disk_check) (C(drives)).
    type: dict
    default: {}
  proof:
    description: The proof, as made by M(llmd.openshift.prove).
    type: dict
    default: {}
  failure:
    description: The failure that stopped the run, as made by M(llmd.openshift.stage).
    type: dict
    default: {}
  output_dir:
    description: Folder of the reports; relative to the folder that the play was started in.
    type: path
    default: reports
attributes:
  check_mode:
    description: The report is written in check mode too, and says that nothing was changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - llmd.openshift contributors (@llmd-openshift)
"""

EXAMPLES = r"""
- name: Report
  llmd.openshift.report:
    declared: "{{ llmd_declared }}"
    snapshot: "{{ llmd_facts }}"
    assessment: "{{ llmd_assessment }}"
"""

RETURN = r"""
files:
  description: Paths of the written files.
  returned: always
  type: list
  elements: str
  sample: [reports/cluster-a/report.html, reports/cluster-a/report.json, reports/cluster-a/report.md, reports/cluster-a/junit.xml, reports/fleet.html]
summary:
  description: The lines that were printed.
  returned: always
  type: list
  elements: str
  sample: ["cluster-a  OpenShift 4.20.4  id 1a2b", "outcome  proven"]
"""
