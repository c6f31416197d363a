# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployment, DaemonSet, StatefulSet, Job, PersistentVolumeClaim: what ``kubectl rollout status`` looks at, and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, integer, is_old, is_true
from .model import State, done, failed, waiting


def deployment(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every wanted replica is updated and available."""
    if is_old(obj):
        return waiting("NotObserved", "the controller hasn't seen the newest specification yet")
    wanted = integer(obj, "spec.replicas", 1)
    updated, available = integer(obj, "status.updatedReplicas"), integer(obj, "status.availableReplicas")
    if updated >= wanted and available >= wanted and integer(obj, "status.replicas") == updated:
        return done("Available", f"{available} of {wanted} replicas")
    stuck = condition(obj, "Progressing")
    if stuck.get("status") == "False" and stuck.get("reason") == "ProgressDeadlineExceeded":
        return failed(
            "ProgressDeadlineExceeded",
            f"{available} of {wanted} replicas available: {stuck.get('message')}",
            "Look at its Pods and their events.",
        )
    refused = condition(obj, "ReplicaFailure")
    if refused.get("status") == "True":
        return failed(
            "ReplicaFailure",
            because(refused),
            "The API refuses its Pods: correct quota, security context or service account.",
            grace=20,
        )
    return waiting("Progressing", f"{available} of {wanted} replicas available, {updated} updated")


def daemonset(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every node that should run a Pod runs an updated, available one (at least ``minimum`` nodes)."""
    if is_old(obj):
        return waiting("NotObserved", "the controller hasn't seen the newest specification yet")
    wanted, minimum = integer(obj, "status.desiredNumberScheduled"), int(options.get("minimum", 1))
    updated, available = integer(obj, "status.updatedNumberScheduled"), integer(obj, "status.numberAvailable")
    if wanted < minimum:
        return waiting("NoNodes", f"wanted on {wanted} nodes, expected on {minimum} or more")
    if updated >= wanted and available >= wanted:
        return done("Available", f"on {available} of {wanted} nodes")
    return waiting("Progressing", f"available on {available} of {wanted} nodes")


def statefulset(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every wanted replica is ready and of the newest revision."""
    if is_old(obj):
        return waiting("NotObserved", "the controller hasn't seen the newest specification yet")
    wanted, ready = integer(obj, "spec.replicas", 1), integer(obj, "status.readyReplicas")
    same = dig(obj, "status.currentRevision") == dig(obj, "status.updateRevision")
    if ready >= wanted and same:
        return done("Ready", f"{ready} of {wanted} replicas")
    return waiting("Progressing", f"{ready} of {wanted} replicas ready")


def job(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the Job is Complete; failed when it gave up. Option ``progress``: the container whose last log line the wait shows."""
    if is_true(obj, "Complete"):
        return done("Complete")
    gone = condition(obj, "Failed")
    if gone.get("status") == "True":
        return failed(str(gone.get("reason") or "Failed"), because(gone), "Read the log of its last Pod.")
    return waiting("Running", f"{integer(obj, 'status.active')} active, {integer(obj, 'status.failed')} failed Pods")


def claim(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the claim is Bound (with ``unbound_ok``, also when it only waits for its first consumer)."""
    phase = str(dig(obj, "status.phase") or "Pending")
    if phase == "Bound":
        return done("Bound", f"volume {dig(obj, 'spec.volumeName')}")
    if phase == "Lost":
        return failed(
            "Lost",
            f"its volume {dig(obj, 'spec.volumeName')} is gone",
            "Restore the volume, or delete the claim and let it be made anew.",
        )
    if options.get("unbound_ok"):
        return done(phase, "waits for its first consumer")
    return waiting(phase, f"StorageClass {dig(obj, 'spec.storageClassName') or '(default)'}")
