# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""llm-d's own Go programs: they run unchanged, with the pod's own flags, under the path that they have in their images.

One endpoint picker runs for all releases. That of 2.25 (llm-d-inference-scheduler 0.2, on gateway-api-inference-extension v0.5.1) took
other flags: for its image they are read as it read them, and handed on in today's words.
"""

from __future__ import annotations

import re

from rehearsal.kubelet.runners.base import Context, Launch
from rehearsal.operators.rhoai_release import Release

PICKER = "/app/epp"
SIDECAR = "/app/pd-sidecar"

OLD_PICKER = re.compile(re.escape(Release("2.25.0").image("picker")) + r"|llm-d/llm-d-inference-scheduler:v0\.[12]\.")
# Flags of v0.5.1-rc.1, which 2.25 is built on: cmd/epp/runner/runner.go, and controller-runtime's for its log.
SWITCHES = {"enablePprof", "secureServing", "healthChecking", "modelServerMetricsHttpsInsecureSkipVerify", "zap-devel"}
VALUES = {
    "grpcPort", "grpcHealthPort", "metricsPort", "poolName", "poolNamespace", "refreshMetricsInterval", "refreshPrometheusMetricsInterval",
    "v", "certPath", "totalQueuedRequestsMetric", "kvCacheUsagePercentageMetric", "loraInfoMetric", "configFile", "configText",
    "modelServerMetricsPort", "modelServerMetricsPath", "modelServerMetricsScheme", "zap-encoder", "zap-log-level", "zap-stacktrace-level",
    "zap-time-encoding",
}  # fmt: skip
# Where the answer is put for Envoy; later pickers have no choice, and always do what was the default.
DROPPED = {"destinationEndpointHintKey", "DestinationEndpointHintMetadataNamespace"}
# Not 2.25's, but the rehearsal's one KServe controller writes them into the Deployment of every release.
OF_THE_CONTROLLER = {"config-text": True, "ha-enable-leader-election": False}  # whether a value follows


def endpoint_picker(context: Context) -> Launch:
    argv = context.command([PICKER])
    if OLD_PICKER.search(context.image):
        try:
            argv = [argv[0], *modern(argv[1:])]
        except ValueError as error:
            text = f"{error}\nUsage of {PICKER}:"
            return Launch(argv=["/bin/sh", "-c", 'printf "%s\\n" "$0" >&2; exit 2', text])
    return Launch(argv=argv, links={PICKER: context.binary("epp")})


def modern(words: list[str]) -> list[str]:
    """2.25's flags in today's spelling. Raises ValueError in the words of Go's flag package, which ended that picker with status 2.

    As that package does: one dash or two, the value after ``=`` or as the next word (never that of a switch), and the first word that
    is no flag ends the list.
    """
    result: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        name, equals, value = rest.pop(0).removeprefix("-").removeprefix("-").partition("=")
        takes_value = name in VALUES or name in DROPPED or OF_THE_CONTROLLER.get(name, False)
        if not takes_value and name not in SWITCHES and name not in OF_THE_CONTROLLER:
            raise ValueError(f"flag provided but not defined: -{name}")
        if takes_value and not equals:
            if not rest:
                raise ValueError(f"flag needs an argument: -{name}")
            value = rest.pop(0)
        if name not in DROPPED:
            result.append(f"--{_kebab(name)}={value}" if takes_value or equals else f"--{_kebab(name)}")
    return result


def _kebab(name: str) -> str:
    """``poolName`` -> ``pool-name``."""
    return re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", name)


def disagg_sidecar(context: Context) -> Launch:
    """Presets leave empty arguments where a flag is switched off; this version of the sidecar takes none."""
    argv = [word for word in context.command([SIDECAR]) if word]
    return Launch(argv=argv, links={SIDECAR: context.binary("pd-sidecar")})
