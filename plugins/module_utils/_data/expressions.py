# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath expressions that sites bring along: refused when they can't be read, harmless when they don't fit the data."""

from __future__ import annotations

from typing import Any

from .errors import DataError

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
except ImportError:  # a broken controller is told so by name, at the first use
    jmespath = None
    JMESPathError = ValueError


def trouble(expression: Any) -> str | None:
    """Why this isn't an expression; None when it is."""
    if not isinstance(expression, str) or not expression.strip() or len(expression) > 1000:
        return "expression must be a JMESPath expression of 1 to 1000 characters"
    try:
        _jmespath().compile(expression)
    except (JMESPathError, RecursionError) as error:
        first = (str(error).splitlines() or [""])[0]
        return f"expression isn't JMESPath: {ascii(first[:200])}"
    return None


def search(expression: str, data: Any) -> tuple[Any, str | None]:
    """(result, why it could not be computed)."""
    try:
        return _jmespath().search(expression, data), None
    except (JMESPathError, ArithmeticError, RecursionError, TypeError, ValueError) as error:
        return None, ascii((str(error).splitlines() or [type(error).__name__])[0][:200])


def _jmespath() -> Any:
    if jmespath is None:
        raise DataError(
            "Can't evaluate llmd_site_checks",
            "llmd_site_checks",
            "the Python package jmespath isn't installed",
            "Install it into the Python that runs ansible-playbook (pip install jmespath).",
        )
    return jmespath
