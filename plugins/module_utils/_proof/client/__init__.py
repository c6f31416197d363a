# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof's client: runs inside the cluster in a short-lived Pod, measures, judges nothing.

Standard library only and Python 3.9 (the `tools` image of OpenShift): this package is mounted into the Pod as it is and started with
``python3 -m client``. It reads its orders from the JSON file that the environment variable LLMD_PLAN names and prints one JSON document
as its last line. Each part stands alone: a part that fails leaves its error in the document instead of a measurement. Times are
milliseconds.
"""
