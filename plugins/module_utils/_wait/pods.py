# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods: ready or finished, and the states that need a person (image, crash, configuration, placement).

Reasons are the kubelet's (``pkg/kubelet/images`` and ``pkg/kubelet/kuberuntime`` of Kubernetes) and the scheduler's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .fields import because, condition, dig, integer, is_true, items, name_of
from .model import State, done, failed, waiting

# The kubelet tries to pull again after 10, 20, 40 … seconds; a second refusal is taken as an answer.
PULL_GRACE = 25.0
PLACEMENT_GRACE = 20.0
# The scheduler says so of a pod whose ephemeral volume has no claim yet; the claim is made by itself.
_CLAIM_TO_COME = "waiting for ephemeral volume controller"
CONFIG_GRACE = 10.0
CRASHES_BEFORE_FAILURE = 3

_PULL_REASONS = ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError")
_CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")

_STARTING_REASONS = ("ContainerCreating", "PodInitializing")


def ready(pod: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the Pod's Ready condition is True; failed when it ended or can't start."""
    trouble = diagnose(pod)
    if trouble:
        return trouble
    if is_true(pod, "Ready"):
        return done("Ready")
    return waiting(str(dig(pod, "status.phase") or "Pending"), because(condition(pod, "Ready")))


def completed(pod: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when all containers ended with exit code 0."""
    phase = str(dig(pod, "status.phase") or "Pending")
    if phase == "Succeeded":
        return done("Completed")
    return diagnose(pod) or waiting(phase, because(condition(pod, "Ready")))


def is_well(pod: Mapping[str, Any]) -> bool:
    """Whether a Pod does its work, or has done it."""
    return is_true(pod, "Ready") or dig(pod, "status.phase") == "Succeeded"


def diagnose(pod: Mapping[str, Any]) -> State | None:
    """The failure that this Pod shows, or None when it may still become ready."""
    name = name_of({**pod, "kind": "Pod"})
    if dig(pod, "metadata.deletionTimestamp"):
        return None
    if dig(pod, "status.phase") == "Failed":
        return _ended(pod, name)
    return _placement(pod, name) or _containers(pod, name)


def worst(pods: Iterable[Mapping[str, Any]]) -> State | None:
    """The failure among Pods that will end a wait first: the one with the shortest grace; by name when equal."""
    found = [s for s in (diagnose(p) for p in pods) if s]
    return min(found, key=lambda s: (s.grace, s.culprit), default=None)


def _ended(pod: Mapping[str, Any], name: str) -> State | None:
    if dig(pod, "status.reason") in ("Evicted", "NodeShutdown", "Preempted"):
        return None  # its controller makes another one
    for status in _statuses(pod):
        end = dig(status, "state.terminated")
        if end and end.get("exitCode") != 0:
            return failed(
                "PodFailed",
                f"container {status.get('name')} of {name} ended with exit code "
                f"{end.get('exitCode')} ({end.get('reason')}): {end.get('message') or 'no message'}",
                f"Read its log: oc logs -n {dig(pod, 'metadata.namespace')} {dig(pod, 'metadata.name')} "
                f"-c {status.get('name')}",
                culprit=name,
            )
    return failed(
        "PodFailed",
        f"{name} ended: {dig(pod, 'status.reason')} {dig(pod, 'status.message') or ''}",
        "Look at its events: oc describe pod.",
        culprit=name,
    )


def _placement(pod: Mapping[str, Any], name: str) -> State | None:
    found = condition(pod, "PodScheduled")
    if found.get("status") != "False" or found.get("reason") != "Unschedulable":
        return None
    if _CLAIM_TO_COME in str(found.get("message")):
        return None
    return failed(
        "Unschedulable",
        f"no node takes {name}: {found.get('message')}",
        "Free or add the resource that the scheduler names, or correct node selector and tolerations.",
        grace=PLACEMENT_GRACE,
        culprit=name,
    )


def _on_node(pod: Mapping[str, Any]) -> str:
    node = dig(pod, "spec.nodeName")
    return f" on node {node}" if node else ""


def _containers(pod: Mapping[str, Any], name: str) -> State | None:
    for status in _statuses(pod):
        held = dig(status, "state.waiting") or {}
        reason, message = str(held.get("reason") or ""), held.get("message") or ""
        where = f"container {status.get('name')} of {name}{_on_node(pod)}"
        if reason in _PULL_REASONS:
            return failed(
                reason,
                f"image {status.get('image')} for {where}: {message or 'not pulled'}",
                "Check the image name, the mirror and the pull secret (openshift-config/pull-secret).",
                grace=PULL_GRACE,
                culprit=name,
            )
        if reason in _CONFIG_REASONS:
            return failed(
                reason,
                f"{where}: {message}",
                "Make the Secret, ConfigMap or volume that the message names.",
                grace=CONFIG_GRACE,
                culprit=name,
            )
        if _keeps_crashing(status, reason):
            return failed(
                "CrashLoopBackOff",
                f"{where} crashed {integer(status, 'restartCount')} times, last: {_last_end(status)}",
                f"Read its log: oc logs -p -n {dig(pod, 'metadata.namespace')} "
                f"{dig(pod, 'metadata.name')} -c {status.get('name')}",
                culprit=name,
            )
    return None


def unplaced(pod: Mapping[str, Any]) -> str:
    """"no node yet" for a Pod that the scheduler has neither placed nor refused: it waits for a volume; empty for others."""
    if dig(pod, "status.phase") != "Pending" or dig(pod, "spec.nodeName") or dig(pod, "metadata.deletionTimestamp"):
        return ""
    return "" if condition(pod, "PodScheduled").get("status") == "False" else "no node yet"


def claims(pod: Mapping[str, Any]) -> list[str]:
    """The claims that a Pod names, and those that are made for it."""
    volumes = items(pod, "spec.volumes")
    named = [str(dig(one, "persistentVolumeClaim.claimName")) for one in volumes if dig(one, "persistentVolumeClaim.claimName")]
    return [*named, *(f"{dig(pod, 'metadata.name')}-{one.get('name')}" for one in volumes if dig(one, "ephemeral.volumeClaimTemplate"))]


def unstarted(pod: Mapping[str, Any]) -> str:
    """The reason for which a Pod that has a node doesn't start its containers (ContainerCreating …); empty when it does."""
    if dig(pod, "status.phase") != "Pending" or not dig(pod, "spec.nodeName") or dig(pod, "metadata.deletionTimestamp"):
        return ""
    held = [str(dig(status, "state.waiting.reason") or "") for status in _statuses(pod)]
    if not held:
        return "ContainerCreating"  # the kubelet hasn't told anything yet
    return next((reason for reason in held if reason in _STARTING_REASONS), "")


def crashed_container(pod: Mapping[str, Any]) -> str | None:
    """The name of the container whose log tells why the Pod fails, or None."""
    for status in _statuses(pod):
        if integer(status, "restartCount") or integer(status, "state.terminated.exitCode"):
            return str(status.get("name"))
    return None


def _keeps_crashing(status: Mapping[str, Any], reason: str) -> bool:
    return reason == "CrashLoopBackOff" and integer(status, "restartCount") >= CRASHES_BEFORE_FAILURE


def _last_end(status: Mapping[str, Any]) -> str:
    end = dig(status, "lastState.terminated") or {}
    if not end:
        return "unknown end"
    words = [f"exit code {end.get('exitCode')}", str(end.get("reason") or "")]
    if end.get("message"):
        words.append(str(end["message"]))
    return ", ".join(w for w in words if w)


def _statuses(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return items(pod, "status.initContainerStatuses") + items(pod, "status.containerStatuses")
