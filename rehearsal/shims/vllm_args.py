# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a command line as a given release of vLLM would: same flags, same refusals, same exit status (argparse's 2).

How vLLM reads it: ``FlexibleArgumentParser`` in vllm/utils/argparse_utils.py of 0.13.0 (underscores count as dashes, ``--model`` of ``vllm
serve`` becomes the positional model, ``--json-arg.key value`` makes JSON, unambiguous beginnings of a flag are enough).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from typing import Any

Obj = dict[str, Any]
COMMANDS = ("chat", "complete", "serve", "bench", "collect-env", "run-batch")
# Numbers that may be written like 32k or 1M (powers of 1000) and 32K (of 1024)
HUMAN_NUMBERS = ("max-model-len", "max-num-batched-tokens", "kv-cache-memory-bytes")
_HUMAN = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_NAME = re.compile(r"(?<=--)[^.]*")


def parse_serve(flags: list[Obj], version: str, argv: list[str]) -> argparse.Namespace:
    """``vllm serve …``: ``argv`` begins after the word vllm. Exits like argparse on a bad line and for --version."""
    parser = argparse.ArgumentParser(prog="vllm", description="vLLM CLI", usage=f"vllm [-h] [-v] {{{','.join(COMMANDS)}}} ...")
    parser.add_argument("-v", "--version", action="version", version=version)
    commands = parser.add_subparsers(dest="subparser", prog="vllm")
    for name in COMMANDS:
        commands.add_parser(name, usage=f"vllm {name} [options]", add_help=name == "serve")
    serve = commands.choices["serve"]
    serve.usage = "vllm serve [model_tag] [options]"
    serve.add_argument("model_tag", nargs="?")
    add_flags(serve, flags)
    return parser.parse_args(_model_first(normalise(argv)))


def parse_api_server(flags: list[Obj], argv: list[str]) -> argparse.Namespace:
    """``python3 -m vllm.entrypoints.openai.api_server …``, the entry point of the images."""
    parser = argparse.ArgumentParser(prog="api_server.py", usage="api_server.py [options]")
    parser.add_argument("model_tag", nargs="?")
    add_flags(parser, flags)
    return parser.parse_args(normalise(argv))


def add_flags(parser: argparse.ArgumentParser, flags: list[Obj]) -> None:
    for row in flags:
        names = [f"--{row['name']}", *row["also"]]
        if row["kind"] == "bool":
            parser.add_argument(*names, action=argparse.BooleanOptionalAction, default=None)
        elif row["kind"] == "flag":
            parser.add_argument(*names, action="store_true")
        elif row["kind"] == "list":
            parser.add_argument(*names, nargs="+")
        else:
            parser.add_argument(*names, type=_reader(row), choices=row["choices"])


def _reader(row: Obj) -> Callable[[str], Any]:
    kind = row["kind"]
    if kind == "json":
        return _json
    if row["name"] in HUMAN_NUMBERS:
        return _or_none(human_number, "human_readable_int")
    if kind in ("int", "float"):
        return _or_none({"int": int, "float": float}[kind], kind)
    return str


def _or_none(read: Callable[[str], Any], name: str) -> Callable[[str], Any]:
    def reader(text: str) -> Any:
        return None if text in ("", "None") else read(text)
    reader.__name__ = name  # argparse says "invalid int value" by this
    return reader


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"Value {text} cannot be converted to JSON: {error}") from error


def human_number(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgGtT])?", text)
    if not match or ("." in match.group(1) and not match.group(2)):
        raise ValueError(text)
    return int(float(match.group(1)) * _HUMAN.get(match.group(2) or "", 1))


def normalise(argv: list[str]) -> list[str]:
    """Underscores in flag names become dashes; ``--x.y value`` are gathered to ``--x {"y": value}``."""
    words: list[str] = []
    gathered: dict[str, Obj] = {}
    rest = iter(_NAME.sub(lambda m: m.group(0).replace("_", "-"), w, count=1) if w.startswith("--") and "=" not in w
                else _dashed(w) for w in argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("-") and "." in name:
            text = value if equals else next(rest, "")
            _put(gathered.setdefault(name.split(".")[0], {}), name.split(".")[1:], text)
        else:
            words.append(word)
    for name, content in gathered.items():
        words += [name, json.dumps(content)]
    return words


def _dashed(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return _NAME.sub(lambda m: m.group(0).replace("_", "-"), name, count=1) + equals + value


def _put(target: Obj, keys: list[str], text: str) -> None:
    as_list = keys[-1].endswith("+")
    keys = [*keys[:-1], keys[-1].removesuffix("+")]
    for key in keys[:-1]:
        target = target.setdefault(key, {})
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    target[keys[-1]] = [*target.get(keys[-1], []), *text.split(",")] if as_list else value


def _model_first(argv: list[str]) -> list[str]:
    """``serve --model X`` is ``serve X``."""
    for index, word in enumerate(argv):
        if argv[0] == "serve" and word == "--model" and index + 1 < len(argv):
            return ["serve", argv[index + 1], *argv[1:index], *argv[index + 2:]]
        if argv[0] == "serve" and word.startswith("--model="):
            return ["serve", word.partition("=")[2], *argv[1:index], *argv[index + 1:]]
    return argv
