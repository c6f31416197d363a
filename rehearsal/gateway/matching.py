# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTPRoute rule match -> one Envoy route match with its rank, and the filters of a rule -> Envoy route fields."""

from __future__ import annotations

import re
from typing import Any

from rehearsal.gateway.world import Obj

Rank = tuple[int, int, int, int, int]
SUPPORTED_FILTERS = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite")


def envoy_match(match: Obj) -> Obj:
    """Envoy's RouteMatch for a Gateway API match. No match at all means every path."""
    path = match.get("path") or {}
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    result: Obj
    if kind == "Exact":
        result = {"path": value}
    elif kind == "RegularExpression":
        result = {"safe_regex": {"regex": value}}
    elif value.rstrip("/") == "":
        result = {"prefix": "/"}
    else:
        result = {"path_separated_prefix": value.rstrip("/")}
    headers = [_string_matcher(item) for item in match.get("headers") or []]
    if match.get("method"):
        headers.append({"name": ":method", "string_match": {"exact": match["method"]}})
    if headers:
        result["headers"] = headers
    query = [_string_matcher(item) for item in match.get("queryParams") or []]
    if query:
        result["query_parameters"] = query
    return result


def _string_matcher(item: Obj) -> Obj:
    how = {"safe_regex": {"regex": item["value"]}} if item.get("type") == "RegularExpression" else {"exact": item["value"]}
    return {"name": item["name"], "string_match": how}


def rank(match: Obj) -> Rank:
    """Sort key: the better match first (Gateway API: exact path, longest prefix, method, most headers, most params)."""
    path = match.get("path") or {}
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    order = {"Exact": 0, "RegularExpression": 1, "PathPrefix": 2}[kind]
    return order, -len(value), 0 if match.get("method") else 1, -len(match.get("headers") or []), -len(match.get("queryParams") or [])


def bad_filter(rule: Obj) -> str:
    """Name of the first filter that this gateway cannot do, or ""."""
    for item in rule.get("filters") or []:
        if item["type"] not in SUPPORTED_FILTERS:
            return str(item["type"])
    return ""


def rewrite(rule: Obj, match: Obj) -> Obj:
    """RouteAction fields for the rule's URLRewrite filter; {} without one."""
    result: Obj = {}
    for item in rule.get("filters") or []:
        if item["type"] == "URLRewrite":
            if item["urlRewrite"].get("hostname"):
                result["host_rewrite_literal"] = item["urlRewrite"]["hostname"]
            result.update(_path_rewrite(item["urlRewrite"].get("path") or {}, match))
    return result


def _path_rewrite(path: Obj, match: Obj) -> Obj:
    if path.get("type") == "ReplaceFullPath":
        return {"regex_rewrite": {"pattern": {"regex": "^[^?]*"}, "substitution": _literal(path["replaceFullPath"])}}
    if path.get("type") != "ReplacePrefixMatch":
        return {}
    prefix = (match.get("path") or {}).get("value", "/").rstrip("/")
    target = path["replacePrefixMatch"].rstrip("/")
    # A plain prefix_rewrite of /a by "/" would turn /a/b into //b; the expression joins the two halves by exactly one slash.
    pattern = f"^{re.escape(prefix)}/*" if not target else f"^{re.escape(prefix)}"
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": _literal(target or "/")}}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


def redirect(rule: Obj, match: Obj) -> Obj | None:
    """Envoy's RedirectAction for the rule's RequestRedirect filter, or None."""
    for item in rule.get("filters") or []:
        if item["type"] == "RequestRedirect":
            wish = item["requestRedirect"]
            codes = {301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT"}
            result: Obj = {"response_code": codes[wish.get("statusCode", 302)]}
            pairs = (("scheme", "scheme_redirect"), ("hostname", "host_redirect"), ("port", "port_redirect"))
            result.update({theirs: wish[ours] for ours, theirs in pairs if wish.get(ours)})
            path = wish.get("path") or {}
            if path.get("type") == "ReplaceFullPath":
                result["path_redirect"] = path["replaceFullPath"]
            elif path.get("type") == "ReplacePrefixMatch":
                result["prefix_rewrite"] = path["replacePrefixMatch"]
            return result
    return None


def header_changes(rule: Obj) -> Obj:
    """Route fields for RequestHeaderModifier and ResponseHeaderModifier filters."""
    result: dict[str, Any] = {}
    for item in rule.get("filters") or []:
        side = {"RequestHeaderModifier": "request", "ResponseHeaderModifier": "response"}.get(item["type"])
        if side is None:
            continue
        change = item[f"{side}HeaderModifier"]
        adds = [_header(h, "OVERWRITE_IF_EXISTS_OR_ADD") for h in change.get("set") or []]
        adds += [_header(h, "APPEND_IF_EXISTS_OR_ADD") for h in change.get("add") or []]
        if adds:
            result.setdefault(f"{side}_headers_to_add", []).extend(adds)
        if change.get("remove"):
            result.setdefault(f"{side}_headers_to_remove", []).extend(change["remove"])
    return result


def _header(item: Obj, action: str) -> Obj:
    # "%" starts a command in Envoy's header values.
    return {"header": {"key": item["name"], "value": item["value"].replace("%", "%%")}, "append_action": action}


def seconds(text: str | None) -> str | None:
    """A Gateway API duration ("500ms", "1h30m") in the form that Envoy's JSON takes ("5400s"); None stays None."""
    if text is None:
        return None
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    total = sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text))
    return f"{total:.3f}".rstrip("0").rstrip(".") + "s"
