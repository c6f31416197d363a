# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets out of texts and objects, and the count of what was blanked. Nothing that is shown or stored goes round this.

By name (keys and environment variables that are called like a secret) and by look (tokens that have a known shape). Better one
word too many than one too few; what is no secret by any chance (names of Secrets, counts of tokens) is kept, since it explains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

BLANK = "(blanked)"
_SECRET_NAME = re.compile(
    r"(passw(or)?d|passphrase|secret[_-]?(access[_-]?)?key|client[_-]?secret|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"(^|[_-])token$|hf[_-]?token|hugging[_-]?face.*token|bearer|authorization|credentials?$|dockerconfigjson|\.dockercfg|cookie)",
    re.IGNORECASE,
)
# Fields of the API that are called so and hold a name, a path, a number or a switch.
_HARMLESS = frozenset({
    "secretName", "secretRef", "secretKeyRef", "secretKeySelector", "imagePullSecrets", "serviceAccountToken", "automountServiceAccountToken",
    "tokenPath", "pullSecret", "credentialsName", "credentials_secret", "tokenReview",
})  # fmt: skip
_SHAPES = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", 0),  # JSON Web Token
        (r"\bhf_[A-Za-z0-9]{20,}\b", 0),  # Hugging Face
        (r"\bsha256~[A-Za-z0-9_-]{20,}", 0),  # OpenShift OAuth
        (r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", 0),  # AWS access key
        (r"\bgh[pousr]_[A-Za-z0-9]{20,}\b", 0),
        (r"\bglpat-[A-Za-z0-9_-]{16,}", 0),
        (r"\bnvapi-[A-Za-z0-9_-]{20,}", 0),
    )
)
# What follows these words is blanked up to the next blank or quote.
_AFTER = re.compile(
    r"""(?ix) ( (?:authorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+ | \bbearer\s+
        | (?:--)?(?:api[-_]?key|password|passwd|token|secret[-_]?(?:access[-_]?)?key|access[-_]?key[-_]?id|client[-_]?secret)["']?\s*[:=]\s*["']?
        | --(?:api-key|token|password)\s+ ) ) ( [^\s"',;&]{6,} )"""
)
_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)([^/\s:@]+:[^/\s@]+)@", re.IGNORECASE)


class Blanker:
    """Blanks values and counts them by where they were found."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """:param known: values that are secret whatever they look like (the run's own token)."""
        self.count = 0
        longest = sorted({value for value in known if value and len(value) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest))) if longest else None

    def __call__(self, value: Any) -> Any:
        """A copy without secrets."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return self._mapping(value)
        return value

    def _mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        named = value.get("name")
        if isinstance(named, str) and isinstance(value.get("value"), str) and value["value"] and _SECRET_NAME.search(named):
            self.count += 1
            value = {**value, "value": BLANK}
        return {key: self._field(key, item) for key, item in value.items()}

    def _field(self, key: str, item: Any) -> Any:
        if isinstance(item, str) and item and item != BLANK and key not in _HARMLESS and _SECRET_NAME.search(str(key)):
            self.count += 1
            return BLANK
        return self(item)

    def _text(self, text: str) -> str:
        if self._known is not None:
            text = self._replaced(self._known, text, lambda match: BLANK)
        for shape in _SHAPES:
            text = self._replaced(shape, text, lambda match: BLANK)
        text = self._replaced(_AFTER, text, lambda match: match[0] if match[2].startswith(BLANK) else f"{match[1]}{BLANK}")
        return self._replaced(_USERINFO, text, lambda match: f"{match[1]}{BLANK}@")

    def _replaced(self, pattern: re.Pattern[str], text: str, by: Callable[[re.Match[str]], str]) -> str:
        def one(match: re.Match[str]) -> str:
            made = by(match)
            self.count += made != match[0]
            return made

        return pattern.sub(one, text)
