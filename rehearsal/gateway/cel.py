# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small part of CEL that AuthPolicies of llm-d use: attribute paths, split and index, startsWith, literals, !, &&, ||, in.

Anything else raises Unsupported: who asks must then refuse the request, never let it pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Thunk = Callable[[], Any]
TOKEN = re.compile(r"""\s*(?:(?P<string>"[^"]*"|'[^']*')|(?P<number>\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>&&|\|\||==|!=|[!()\[\].,?:]))""")


class Unsupported(Exception):
    """The expression is beyond this evaluator."""


def evaluate(expression: str, attributes: dict[str, Any]) -> Any:
    """Value of an expression over `attributes` (nested dicts). Raises Unsupported, or LookupError for a missing attribute."""
    parser = _Parser(_tokens(expression), attributes)
    value = parser.ternary()
    if parser.position != len(parser.tokens):
        raise Unsupported(expression)
    return value()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Unsupported(text)
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, (dict, list)):
        return value[key]  # KeyError and IndexError are LookupErrors
    raise LookupError(key)


def _call(value: Any, name: str, arguments: list[Any]) -> Any:
    known = {"split": "split", "startsWith": "startswith", "endsWith": "endswith", "contains": "__contains__"}
    if isinstance(value, str) and name in known:
        return getattr(value, known[name])(*arguments)
    if isinstance(value, list) and name == "join":
        return str(arguments[0] if arguments else "").join(value)
    raise Unsupported(f"{name}()")


class _Parser:
    """Recursive descent. Every method returns a function that gives the value, so that only the chosen branch is evaluated."""

    def __init__(self, tokens: list[tuple[str, str]], attributes: dict[str, Any]) -> None:
        self.tokens, self.attributes, self.position = tokens, attributes, 0

    def peek(self) -> str:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> tuple[str, str]:
        if self.position >= len(self.tokens) or (wanted is not None and self.peek() != wanted):
            raise Unsupported(f"expected {wanted or 'more'}, found {self.peek() or 'the end'}")
        self.position += 1
        return self.tokens[self.position - 1]

    def ternary(self) -> Thunk:
        test = self.either()
        if self.peek() != "?":
            return test
        self.take("?")
        good = self.ternary()
        self.take(":")
        bad = self.ternary()
        return lambda: good() if test() else bad()

    def either(self) -> Thunk:
        value = self.both()
        while self.peek() == "||":
            self.take()
            value = self._or(value, self.both())
        return value

    def both(self) -> Thunk:
        value = self.compared()
        while self.peek() == "&&":
            self.take()
            value = self._and(value, self.compared())
        return value

    @staticmethod
    def _or(left: Thunk, right: Thunk) -> Thunk:
        return lambda: bool(left()) or bool(right())

    @staticmethod
    def _and(left: Thunk, right: Thunk) -> Thunk:
        return lambda: bool(left()) and bool(right())

    def compared(self) -> Thunk:
        left = self.negated()
        operator = self.peek()
        if operator not in ("==", "!=", "in"):
            return left
        self.take()
        right = self.negated()
        if operator == "in":
            return lambda: left() in right()
        return lambda: (left() == right()) is (operator == "==")

    def negated(self) -> Thunk:
        if self.peek() == "!":
            self.take()
            value = self.negated()
            return lambda: not value()
        return self.chain()

    def chain(self) -> Thunk:
        value = self.primary()
        while self.peek() in (".", "["):
            if self.take()[1] == "[":
                value = self._indexed(value, self.ternary())
                self.take("]")
                continue
            name = self.take()[1]
            if self.peek() == "(":
                value = self._called(value, name, self._arguments("(", ")"))
            else:
                value = self._attribute(value, name)
        return value

    @staticmethod
    def _indexed(value: Thunk, key: Thunk) -> Thunk:
        return lambda: _item(value(), key())

    @staticmethod
    def _attribute(value: Thunk, name: str) -> Thunk:
        return lambda: _item(value(), name)

    @staticmethod
    def _called(value: Thunk, name: str, arguments: list[Thunk]) -> Thunk:
        return lambda: _call(value(), name, [argument() for argument in arguments])

    def primary(self) -> Thunk:
        if self.peek() == "[":
            items = self._arguments("[", "]")
            return lambda: [item() for item in items]
        kind, text = self.take()
        if kind == "string":
            return lambda: text[1:-1]
        if kind == "number":
            return lambda: int(text)
        if text == "(":
            value = self.ternary()
            self.take(")")
            return value
        if text in ("true", "false"):
            return lambda: text == "true"
        if kind == "name":
            return lambda: _item(self.attributes, text)
        raise Unsupported(text)

    def _arguments(self, opening: str, closing: str) -> list[Thunk]:
        self.take(opening)
        values: list[Thunk] = []
        while self.peek() != closing:
            values.append(self.ternary())
            if self.peek() == ",":
                self.take()
        self.take(closing)
        return values
