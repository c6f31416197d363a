# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading `data/*.yml`: safe YAML, one JSON Schema per kind of file, each problem named by file and path in it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from .errors import DataError

try:
    import jsonschema
    import yaml
except ImportError as missing:  # a broken controller is told so by name, at the first load
    jsonschema = yaml = None  # type: ignore[assignment]
    MISSING = missing.name or str(missing)
else:
    MISSING = ""

ROOT = Path(__file__).resolve().parents[3] / "data"
_MEND = "Mend the file, or install the collection again."


def _need_libraries(path: Path) -> None:
    if jsonschema is None or yaml is None:
        raise DataError(
            "Can't read the data files", str(path), f"the Python package {MISSING} isn't installed",
            "Install jsonschema and PyYAML into the Python that runs ansible-playbook.",
        )  # fmt: skip


def read(path: Path) -> Any:
    """The plain data of one YAML file; a DataError names the line that isn't YAML."""
    _need_libraries(path)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise DataError("Can't read a data file", str(path), error.strerror or str(error), _MEND) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise DataError("A data file isn't YAML", where, getattr(error, "problem", "") or str(error), _MEND) from error


@cache
def _validator(schema: Path, part: str | None = None) -> Any:
    _need_libraries(schema)
    whole = json.loads(schema.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": whole["$defs"]} if part else whole)


def problems(data: Any, schema: str, root: Path = ROOT, part: str | None = None) -> list[str]:
    """What is wrong with `data` by data/schema/<schema>.json (or one of its $defs): "path: message", empty when all is well."""
    found = sorted(
        _validator(root / "schema" / f"{schema}.json", part).iter_errors(data), key=lambda e: list(map(str, e.path))
    )
    return [f"{'.'.join(str(part) for part in error.path) or '(top)'}: {error.message[:300]}" for error in found]


def load(path: Path, schema: str, root: Path = ROOT) -> Any:
    """One file, read and checked."""
    data = read(path)
    wrong = problems(data, schema, root)
    if wrong:
        raise DataError(f"A data file doesn't fit the schema {schema}", str(path), "; ".join(wrong[:5]), _MEND)
    return data


def load_folder(folder: str, schema: str, root: Path = ROOT) -> list[Any]:
    """All `*.yml` of data/<folder>, in the order of their names."""
    paths = sorted((root / folder).glob("*.yml"))
    if not paths:
        raise DataError("Data are missing", str(root / folder), "there is no .yml file", _MEND)
    return [load(path, schema, root) for path in paths]
