# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ImageStreams of the release payload in the namespace ``openshift``: where people find the images by their digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.seeds.common import Object, make, payload_image

STREAMS = ("cli", "driver-toolkit", "must-gather", "tools")
SINCE = "2026-01-01T00:00:00Z"  # when the release was imported; nobody measures by it


def objects(openshift: Mapping[str, Any]) -> list[Object]:
    """ImageStreams tools, cli, must-gather (tag ``latest``) and driver-toolkit (tags ``latest`` and the RHCOS build)."""
    return [_stream(name, openshift) for name in STREAMS]


def _stream(name: str, openshift: Mapping[str, Any]) -> Object:
    image = payload_image(openshift, name)
    # The GPU operator finds the toolkit of a node's OS by the tag that equals its OSTREE_VERSION.
    tags = ["latest", openshift["rhcos"]["ostree_version"]] if name == "driver-toolkit" else ["latest"]
    spec_tags = [
        {"name": tag, "from": {"kind": "DockerImage", "name": image}, "importPolicy": {"importMode": "Legacy"},
         "referencePolicy": {"type": "Source"}}
        for tag in tags
    ]  # fmt: skip
    status_tags = [
        {
            "tag": tag,
            "items": [
                {"created": SINCE, "dockerImageReference": image, "generation": 2, "image": image.rsplit("@", 1)[1]}
            ],
        }
        for tag in tags
    ]
    repository = f"image-registry.openshift-image-registry.svc:5000/openshift/{name}"
    return make(
        "image.openshift.io/v1", "ImageStream", name, "openshift",
        spec={"lookupPolicy": {"local": False}, "tags": spec_tags},
        status={"dockerImageRepository": repository, "tags": status_tags},
    )  # fmt: skip
