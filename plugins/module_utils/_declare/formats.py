# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named formats of data/declaration.yml. A check takes the value (already of its type) and raises Wrong with the reason."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .._data import expressions, files
from .._data import quantity as quantities
from .._models.shape import NoShape, from_config
from .._models.weights import dtype_of
from .._nodes import window as windows
from .._plan import approval as approvals
from .coerce import Wrong
from .shown import shown
from .words import hint

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_QUALIFIED = rf"(?:{_SUBDOMAIN}/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
_HOST = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
_IMAGE = rf"{_HOST}(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+(?::[\w][\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
_MODEL_URIS = {
    "hf": (re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(?::[\w.-]+)?", re.ASCII), "hf://org/model"),
    "oci": (re.compile(_IMAGE, re.ASCII), "oci://registry/repository:tag"),
    "pvc": (re.compile(rf"{_SUBDOMAIN}(?:/[^\s/][^\s]*)?", re.ASCII), "pvc://claim/path"),
    "s3": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s]*)?", re.ASCII), "s3://bucket/path"),
}
# Objects of an LLMInferenceService are called <name>-kserve-..., and names of Services end at 63 characters.
_SERVICE_NAME_MAX = 40
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _shape(pattern: str, words: str, longest: int = 253) -> Callable[[str], None]:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> None:
        if len(value) > longest or not compiled.fullmatch(value):
            raise Wrong(f"must be {words}, not {shown(value)}")

    return check


def _url(schemes: tuple[str, ...]) -> Callable[[str], None]:
    def check(value: str) -> None:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            port_ok = parts.port is None or parts.port > 0
        except ValueError:
            raise Wrong(f"must be a URL, not {shown(value)}") from None
        if parts.username or parts.password:
            raise Wrong("must not carry a user or a password")  # the value itself stays out of the message
        if parts.scheme not in schemes or not port_ok or not re.fullmatch(_HOST, parts.netloc, re.ASCII):
            raise Wrong(f"must be a URL that begins with {wanted}, not {shown(value)}")

    return check


def model_uri(value: str) -> None:
    scheme, separator, rest = value.partition("://")
    forms = ", ".join(form for _pattern, form in _MODEL_URIS.values())
    if not separator or scheme not in _MODEL_URIS:
        near = hint(scheme, _MODEL_URIS) if separator else ""
        raise Wrong(f"must be one of {forms}, not {shown(value)}.{near}".rstrip("."))
    shape, form = _MODEL_URIS[scheme]
    if not shape.fullmatch(rest):
        raise Wrong(f"must have the form {form}, not {shown(value)}")


def quantity(value: str) -> None:
    number = quantities.parse(value)
    if not number:
        raise Wrong(f"must be a quantity above zero, like 4, 500m or 32Gi, not {shown(value)}")


def labels(value: dict[str, Any]) -> None:
    for key, item in value.items():
        if not re.fullmatch(_QUALIFIED, key, re.ASCII) or len(key) > 317:
            raise Wrong(f"has the key {shown(key)}, which isn't a label's name")
        if not isinstance(item, str) or not re.fullmatch(
            r"(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?", item, re.ASCII
        ):
            raise Wrong(
                f"has the value {shown(item)} for {shown(key)}, which isn't a label's value (quote true, false and numbers)"
            )


def tolerations(value: list[dict[str, Any]]) -> None:
    known = ("key", "operator", "value", "effect", "tolerationSeconds")
    for number, item in enumerate(value):
        _only(known, item, f"element {number}")
        if item.get("operator", "Equal") not in ("Exists", "Equal"):
            raise Wrong(f"element {number} has the operator {shown(item['operator'])}; known are Exists and Equal")
        if item.get("effect") not in (None, "", *_EFFECTS):
            raise Wrong(f"element {number} has the effect {shown(item['effect'])}; known are {', '.join(_EFFECTS)}")
        if not item.get("key") and item.get("operator") != "Exists":
            raise Wrong(f"element {number} has no key; only the operator Exists may stand without one")


def device_paths(value: list[str]) -> None:
    for path in value:
        if not re.fullmatch(r"/dev/(?:[\w.:-]+/)*[\w.:-]+", path, re.ASCII):
            raise Wrong(f"must hold paths under /dev, not {shown(path)}")
        if re.fullmatch(r"/dev/(?:sd|nvme|vd)\w+", path):
            raise Wrong(f"holds {path}: such names change at boot; use /dev/disk/by-path/... or by-id")


def waivers(value: list[dict[str, Any]]) -> None:
    for number, item in enumerate(value):
        _only(("rule", "reason", "owner", "expires", "subject"), item, f"element {number}")
        for key in ("rule", "reason", "owner", "expires"):
            if not isinstance(item.get(key), str) or not item[key].strip():
                raise Wrong(
                    f"element {number} lacks {key}"
                    if key not in item
                    else f"element {number}: {key} must be text in quotes"
                )
        try:
            datetime.date.fromisoformat(item["expires"])
        except ValueError:
            raise Wrong(
                f"element {number}: expires must be a date like 2027-03-31, not {shown(item['expires'])}"
            ) from None


def lora_adapters(value: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for number, item in enumerate(value):
        where = f"element {number}"
        _only(("name", "source", "rank"), item, where)
        adapter, source, rank = item.get("name"), item.get("source"), item.get("rank", 16)
        if not isinstance(adapter, str) or not re.fullmatch(r"[A-Za-z0-9][\w./:-]{0,199}", adapter, re.ASCII):
            raise Wrong(f"{where}: name must be letters, digits and . _ - / :, not {shown(adapter)}")
        if adapter in seen:
            raise Wrong(f"{where}: the name {adapter} is there twice")
        seen.add(adapter)
        hub, form = _MODEL_URIS["hf"]
        below = re.compile(r"/mnt/models(?:/[\w.-]+)+", re.ASCII)
        if not isinstance(source, str) or not (source.startswith("hf://") and hub.fullmatch(source[5:]) or below.fullmatch(source)):
            raise Wrong(f"{where}: source must have the form {form}, or be a path below /mnt/models, not {shown(source)}")
        if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= 512:
            raise Wrong(f"{where}: rank must be a number from 1 to 512, not {shown(rank)}")


def site_checks(value: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for number, item in enumerate(value):
        where = f"element {number} ({shown(item.get('id', 'no id'))})"
        _only(("id", "expression", "expected", "severity", "remedy"), item, where)
        if not isinstance(item.get("id"), str) or not re.fullmatch(
            r"site-[a-z0-9]+(?:-[a-z0-9]+)*", item["id"], re.ASCII
        ):
            raise Wrong(f"{where}: id must be site-, then lower-case words with dashes")
        if item["id"] in seen:
            raise Wrong(f"{where}: the id is there twice")
        seen.add(item["id"])
        if item.get("severity") not in ("fail", "warn"):
            raise Wrong(f"{where}: severity must be fail or warn, not {shown(item.get('severity'))}")
        if "expected" not in item or not isinstance(item.get("remedy"), str):
            raise Wrong(f"{where}: lacks {'expected' if 'expected' not in item else 'remedy'}")
        trouble = expressions.trouble(item.get("expression"))
        if trouble:
            raise Wrong(f"{where}: {trouble}")


def _only(known: tuple[str, ...], item: dict[str, Any], where: str) -> None:
    for key in item:
        if key not in known:
            raise Wrong(f"{where} has the unknown key {shown(key)}.{hint(key, known)}".rstrip("."))


def package_values(value: dict[str, Any]) -> None:
    for package, item in value.items():
        if not isinstance(item, str) or not re.fullmatch(r"[\w.-]{1,100}", item, re.ASCII):
            raise Wrong(f"has the value {shown(item)} for {shown(package)}; a name is wanted (quote numbers)")


def catalogs(value: dict[str, Any]) -> None:
    for package, item in value.items():
        if not isinstance(item, str) or not re.fullmatch(rf"(?:{_LABEL}/)?{_SUBDOMAIN}", item, re.ASCII):
            raise Wrong(
                f"has the value {shown(item)} for {shown(package)}; a CatalogSource is wanted, as name or namespace/name"
            )


def subnets(value: list[str]) -> None:
    for item in value:
        subnet(item)


def subnet(value: str) -> None:
    try:
        network = ipaddress.ip_network(value, strict=True)
    except ValueError as error:
        raise Wrong(f"must hold subnets like 10.90.0.0/24, not {shown(value)} ({str(error)[:120]})") from None
    if network.num_addresses < 4:
        raise Wrong(f"holds {value}, which has no room for two hosts")


def matrix_rows(value: list[dict[str, Any]]) -> None:
    """The same schema as the rows of data/matrix/, with the release they are for; whether that and the models are known is the caller's to say."""
    for number, item in enumerate(value):
        if not isinstance(item.get("release"), str):
            raise Wrong(f"element {number} lacks release (in quotes)")
        row = {key: part for key, part in item.items() if key != "release"}
        wrong = files.problems(row, "matrix", part="row")
        if not row.get("accelerators"):
            wrong = ["accelerators: the models must be named", *wrong]
        if wrong:
            raise Wrong(f"element {number}: {'; '.join(wrong[:3])}")


def model_config(value: dict[str, Any]) -> None:
    """What the model's config.json holds, as a mapping; its shape and number format must show."""
    if not value:
        return
    try:
        from_config(value)
    except NoShape as error:
        raise Wrong(f"must hold the model's config.json; {error}") from None
    if dtype_of(value) is None:
        raise Wrong(f"has the quantization_config {shown(value.get('quantization_config'))}, which isn't known; declare llmd_model_weights_gib instead")


def window(value: str) -> None:
    try:
        windows.parse(value)
    except ValueError as error:
        raise Wrong(f"{error}, not {shown(value)}") from None


def approval(value: dict[str, Any]) -> None:
    wrong = approvals.malformed(value)
    if wrong:
        raise Wrong(f"isn't an approved plan: {wrong}")


def text(value: str) -> None:
    if not value.strip() or len(value) > 500:
        raise Wrong("must be a text of 1 to 500 characters")


FORMATS: dict[str, Callable[[Any], None]] = {
    "uuid": _shape(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a cluster id (UUID)"),
    "https_url": _url(("https",)),
    "url": _url(("http", "https")),
    "namespace": _shape(_LABEL, "a namespace (lower-case letters, digits and -, at most 63)", 63),
    "service_name": _shape(_LABEL, f"a name of lower-case letters, digits and -, at most {_SERVICE_NAME_MAX}", _SERVICE_NAME_MAX),
    "object_name": _shape(_SUBDOMAIN, "an object's name (lower-case letters, digits, - and .)"),
    "model_name": _shape(r"[A-Za-z0-9][\w./:-]*", "a model's name (letters, digits and . _ - / :)", 200),
    "image": _shape(_IMAGE, "an image, registry/repository with :tag or @sha256:...", 500),
    "model_uri": model_uri,
    "model_config": model_config,
    "quantity": quantity,
    "labels": labels,
    "tolerations": tolerations,
    "device_paths": device_paths,
    "waivers": waivers,
    "site_checks": site_checks,
    "lora_adapters": lora_adapters,
    "catalogs": catalogs,
    "package_values": package_values,
    "subnets": subnets,
    "subnet": subnet,
    "matrix_rows": matrix_rows,
    "rule_id": _shape(r"[a-z0-9]+(?:-[a-z0-9]+)*", "the id of a rule (docs/rules.md)", 100),
    "text": text,
    "window": window,
    "approval": approval,
}  # fmt: skip
