# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorisation service lives as long as its Authorino."""

from __future__ import annotations

from typing import Any

from rehearsal.operators.authorino import AuthorinoOperator


class Server:
    certificate = None
    stopped = False

    def stop(self) -> None:
        self.stopped = True


def operator() -> tuple[Any, Server]:
    server, made = Server(), AuthorinoOperator.__new__(AuthorinoOperator)
    made._server = server  # type: ignore[assignment]
    return made, server


def test_a_deleted_secret_of_somebody_does_not_end_it() -> None:
    made, server = operator()
    made.deleted(None, {"kind": "Secret", "metadata": {"name": "probe", "namespace": "llmd"}})
    assert not server.stopped


def test_a_deleted_authorino_ends_it() -> None:
    made, server = operator()
    made.deleted(None, {"kind": "Authorino", "metadata": {"name": "authorino", "namespace": "kuadrant-system"}})
    assert server.stopped and made._server is None
