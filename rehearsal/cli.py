# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``python -m rehearsal up|down|save|restore|status|reset|repair|build|logs|profiles|scenarios``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal import data, parts, saved, twin
from rehearsal.control import Rehearsal, memory
from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.prepare import Wanted

PROFILE = "h200-roce"
OPENSHIFT = "4.20"
NAME = "default"


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    # ip and mount are in sbin, which ordinary users often don't have on their PATH.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    args = parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except RehearsalError as error:
        if args.json:
            print(
                json.dumps(
                    {
                        "error": str(error),
                        "what": error.what,
                        "where": error.where,
                        "why": error.why,
                        "todo": error.todo,
                    }
                )
            )
        print(f"rehearsal: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("rehearsal: interrupted", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description="A virtual OpenShift on this machine: real control plane, simulated nodes.",
    )
    verbs = top.add_subparsers(required=True, metavar="VERB")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    named = argparse.ArgumentParser(add_help=False, parents=[common])
    named.add_argument("--name", default=NAME, help="name of the rehearsal (default: %(default)s)")

    verb = verbs.add_parser("up", parents=[named], help="start a rehearsal and wait until it's ready")
    verb.add_argument("--profile", help=f"nodes and hardware (default: {PROFILE}); see 'profiles'")
    verb.add_argument("--openshift", help=f"version of OpenShift (default: {OPENSHIFT})")
    verb.add_argument("--scenario", action="append", default=[], help="a fault to mix in; see 'scenarios'; repeatable")
    verb.add_argument("--speed", type=_speed, help="2 = simulated delays take half as long (default: 1)")
    verb.add_argument(
        "--from", dest="twin", nargs="+", metavar="SOURCE",
        help="resemble a real cluster: 'must-gather DIR', or a snapshot.json of a report; brings profile and version",
    )  # fmt: skip
    verb.add_argument("--from-saved", metavar="STATE", help="start from a saved state, which brings all but the speed")
    verb.set_defaults(run=up)
    verb = verbs.add_parser("save", parents=[named], help="keep the present state of a running rehearsal under a name")
    verb.add_argument("--as", dest="state", metavar="STATE", required=True, help="name of the state; replaces an older one")
    verb.set_defaults(run=save)
    verb = verbs.add_parser("restore", parents=[named], help="end a rehearsal if it runs, and start it from a saved state")
    verb.add_argument("--from", dest="state", metavar="STATE", required=True, help="name of the state; see 'saved'")
    verb.add_argument("--speed", type=_speed, help="as for 'up' (default: that of the saved rehearsal)")
    verb.set_defaults(run=restore)
    verb = verbs.add_parser("saved", parents=[common], help="list the saved states")
    verb.add_argument("--drop", metavar="STATE", help="remove one")
    verb.set_defaults(run=saved_states)
    verb = verbs.add_parser("down", parents=[named], help="end a rehearsal")
    verb.add_argument("--all", action="store_true", help="end all of them")
    verb.set_defaults(run=down)
    verb = verbs.add_parser("status", parents=[named], help="what runs, where, with which memory")
    verb.add_argument("--all", action="store_true", help="all rehearsals")
    verb.set_defaults(run=status)
    verbs.add_parser("reset", parents=[named], help="end it and start it afresh with the same settings").set_defaults(
        run=reset
    )
    verb = verbs.add_parser(
        "repair", parents=[named], help="end the faults of a running rehearsal (its causes, not its marks)"
    )
    verb.add_argument("--scenario", action="append", default=[], help="only this one; repeatable (default: all)")
    verb.set_defaults(run=repair)
    verb = verbs.add_parser("timeline", parents=[named], help="who changed what and when, from the audit log, Events and the start")
    verb.add_argument("--since", metavar="WHEN", default="", help="only rows at or after this time (ISO 8601), or of the last N seconds")
    verb.add_argument("--reads", action="store_true", help="requests that only read, too")
    verb.add_argument("--outside", action="store_true", help="only clients on the host, not the rehearsal's own parts")
    verb.set_defaults(run=show_timeline)
    verb = verbs.add_parser("counters", parents=[named], help="requests and writes by client, reboots and drains by node")
    verb.add_argument("--since", metavar="WHEN", default="", help="as for 'timeline' (of the requests)")
    verb.set_defaults(run=show_counters)
    verb = verbs.add_parser("provoke", parents=[named], help="let scenarios begin in a running rehearsal")
    verb.add_argument("--scenario", action="append", required=True, help="see 'scenarios'; repeatable")
    verb.set_defaults(run=provoke)
    verbs.add_parser("build", parents=[common], help="build or find all programs").set_defaults(run=build)
    verb = verbs.add_parser("logs", parents=[named], help="show the log of a part")
    verb.add_argument("part", nargs="?", help="name of the part")
    verb.add_argument("--list", action="store_true", help="list the parts that have a log")
    verb.add_argument("--tail", type=int, default=0, metavar="N", help="only the last N lines")
    verb.set_defaults(run=logs)
    for folder in ("profiles", "scenarios", "openshift"):
        verb = verbs.add_parser(
            folder, parents=[common], help=f"list the known {folder} (each a file in rehearsal/{folder})"
        )
        verb.set_defaults(run=known, folder=folder)
    return top


def up(args: argparse.Namespace) -> int:
    if args.from_saved:
        _alone(args, "--from-saved", ("profile", "openshift", "scenario", "twin"), "a saved state has all of that already")
        wanted = _from_saved(args.name, args.from_saved, args.speed)
    elif args.twin:
        _alone(args, "--from", ("profile", "openshift"), "the cluster to resemble has both already")
        wanted = Wanted(args.name, "twin", "twin", args.scenario, args.speed or 1.0, twin=str(_source(args.twin)))
    else:
        wanted = Wanted(args.name, args.profile or PROFILE, args.openshift or OPENSHIFT, args.scenario, args.speed or 1.0)
    return _started(Rehearsal(args.name), wanted, args.json)


def _alone(args: argparse.Namespace, option: str, others: tuple[str, ...], why: str) -> None:
    given = [f"--{'from' if name == 'twin' else name}" for name in others if getattr(args, name)]
    if given:
        raise RehearsalError(f"{' and '.join(given)} can't be given with {option}", "", why, "Leave it out", code=BAD_INPUT)


def _source(words: list[str]) -> Path:
    """``must-gather DIR``, or just a path."""
    if len(words) > 2 or (len(words) == 2 and words[0] not in ("must-gather", "snapshot")):
        raise RehearsalError(f"'{' '.join(words)}' is no source", "--from", "", "Give 'must-gather DIR' or a snapshot.json", code=BAD_INPUT)
    return Path(words[-1]).absolute()


def save(args: argparse.Namespace) -> int:
    meta = Rehearsal(args.name).save(args.state)
    print(json.dumps(_of_state(meta)) if args.json else f"{args.name}: saved as '{args.state}' ({meta['seconds']} s)")
    return 0


def restore(args: argparse.Namespace) -> int:
    wanted = _from_saved(args.name, args.state, args.speed)
    rehearsal = Rehearsal(args.name)
    rehearsal.down()
    return _started(rehearsal, wanted, args.json)


def saved_states(args: argparse.Namespace) -> int:
    if args.drop:
        saved.drop(args.drop)
    states = [meta for name in saved.names() if (meta := saved.describe(saved.folder(name)))]
    if args.json:
        print(json.dumps([_of_state(meta) for meta in states], indent=1))
        return 0
    for meta in states:
        row = _of_state(meta)
        old = "" if row["usable"] else "  (of another version of the rehearsal: can't be used)"
        print(f"{row['name']:<24} {row['made_at']}  OpenShift {row['openshift']}, {row['profile']}{old}")
    return 0


def _of_state(meta: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a saved state."""
    return {
        "name": meta["name"],
        "made_at": meta["made_at"],
        "openshift": meta["openshift"],
        "profile": meta["wanted"]["profile"],
        "scenarios": meta["wanted"]["scenarios"],
        "usable": saved.usable(meta["name"]),
        "folder": str(saved.folder(meta["name"])),
    }


def _from_saved(name: str, state: str, speed: float | None) -> Wanted:
    """The saved rehearsal's settings under another name."""
    return Wanted(**{**saved.load(state)["wanted"], "name": name, "saved": state, **({"speed": speed} if speed else {})})


def reset(args: argparse.Namespace) -> int:
    rehearsal = Rehearsal(args.name)
    wanted = rehearsal.wanted()
    rehearsal.check(wanted)  # before anything is ended
    rehearsal.down()
    return _started(rehearsal, wanted, args.json)


def down(args: argparse.Namespace) -> int:
    chosen = Rehearsal.all() if args.all else [Rehearsal(args.name)]
    results = {rehearsal.name: rehearsal.down() for rehearsal in chosen if rehearsal.state.is_dir()}
    if args.json:
        print(json.dumps({"ended": [name for name, was_up in results.items() if was_up]}))
        return 0
    for name, was_up in results.items():
        print(f"{name}: {'ended' if was_up else 'was not running'}")
    if not results:
        print("nothing to end" if args.all else f"{args.name}: was not running")
    return 0


def status(args: argparse.Namespace) -> int:
    """Exit status 1 unless every rehearsal asked for is ready."""
    chosen = Rehearsal.all() if args.all else [Rehearsal(args.name)]
    states = [_with_memory(rehearsal.status()) for rehearsal in chosen]
    if args.json:
        print(json.dumps(states if args.all else states[0], indent=1))
    else:
        print("\n".join(_describe(state) for state in states) or "no rehearsal was ever started")
    return 0 if all(state["state"] == "ready" for state in states) else 1


def repair(args: argparse.Namespace) -> int:
    left = Rehearsal(args.name).repair(args.scenario)
    print(
        json.dumps({"scenarios": left})
        if args.json
        else f"{args.name}: scenarios that go on: {', '.join(left) or 'none'}"
    )
    return 0


def provoke(args: argparse.Namespace) -> int:
    active = Rehearsal(args.name).provoke(args.scenario)
    print(json.dumps({"scenarios": active}) if args.json else f"{args.name}: scenarios that go on: {', '.join(active)}")
    return 0


def show_timeline(args: argparse.Namespace) -> int:
    rows = Rehearsal(args.name).timeline(args.since, args.reads)
    if args.outside:
        rows = [row for row in rows if row["outside"]]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        code = f" {row['code']}" if "code" in row else ""
        print(f"{row['at'][11:23]}  {row['who']:<28.28} {row['what']}{code}  {row['object']}")
    return 0


def show_counters(args: argparse.Namespace) -> int:
    found = Rehearsal(args.name).counters(args.since)
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    api = found["api"]
    print(f"reboots {found['reboots']}, drains {found['drains']}, requests {api['requests']} (writes {api['writes']})")
    print(f"from the host: requests {api['outside_requests']} (writes {api['outside_writes']})")
    for name, row in api["by_client"].items():
        print(f"  {name:<32.32} {row['requests']:>8} {row['writes']:>8}")
    return 0


def build(args: argparse.Namespace) -> int:
    began = time.monotonic()
    found = parts.find(_say)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"all {len(found)} programs are there ({time.monotonic() - began:.0f} s)")
    return 0


def logs(args: argparse.Namespace) -> int:
    files = Rehearsal(args.name).logs()
    if args.list or not args.part:
        print(json.dumps({name: str(path) for name, path in files.items()}) if args.json else "\n".join(files))
        return 0
    if args.part not in files:
        raise RehearsalError(
            f"no log '{args.part}'", f"rehearsal {args.name}", data.nearest(args.part, files), code=BAD_INPUT
        )
    lines = files[args.part].read_text(encoding="utf-8", errors="replace").splitlines()
    print("\n".join(lines[-args.tail :] if args.tail > 0 else lines))
    return 0


def known(args: argparse.Namespace) -> int:
    names = data.names(args.folder)
    if args.json:
        print(json.dumps(names, indent=1))
        return 0
    width = max((len(name) for name in names), default=0)
    for name, description in names.items():
        print(f"{name:<{width}}  {description}")
    return 0


def _started(rehearsal: Rehearsal, wanted: Wanted, as_json: bool) -> int:
    state = rehearsal.up(wanted, _say)
    if as_json:
        print(json.dumps(state, indent=1))
        return 0
    if state.get("twin"):
        print("\n".join(twin.report(state["twin"])))
    option = "" if rehearsal.name == NAME else f" --name {rehearsal.name}"
    print(f"""
OpenShift {state["openshift"]} ({state["profile"]}) is up after {state["ready_seconds"]} s.
  export KUBECONFIG={state["kubeconfig"]}
  kubectl get nodes,clusterversion
Look around:  python -m rehearsal status{option}; python -m rehearsal logs{option} --list
End it:       python -m rehearsal down{option}""")
    return 0


def _with_memory(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "rss_bytes": memory(state.get("pids", {}))}


def _describe(state: dict[str, Any]) -> str:
    if state["state"] == "absent":
        return f"{state['name']}: was never started"
    lines = [
        f"{state['name']}: {state['state']} (OpenShift {state['openshift']}, {state['profile']}"
        f"{', scenarios ' + ', '.join(state['scenarios']) if state['scenarios'] else ''})"
    ]
    if state.get("error"):
        lines.append(f"  error       {state['error']}")
    if state["state"] == "ready":
        lines += [
            f"  kubeconfig  {state['kubeconfig']}",
            f"  api         {state['api_url']}",
            f"  gateway     {state['gateway_url']}",
            f"  cluster id  {state['cluster_id']}",
            f"  memory      {sum(state['rss_bytes'].values()) / 2**20:.0f} MiB",
        ]
        for name, size in state["rss_bytes"].items():
            pid = f"pid {state['pids'][name]}" if name in state["pids"] else ""
            lines.append(f"    {name:<24} {pid:<12} {size / 2**20:5.0f} MiB")
    return "\n".join(lines)


def _speed(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text} isn't between 0.01 and 1000")
    return value


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
