# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for KServe's storage initializer inside a pod: checks the URI and the credentials that the real one needs, and writes a model
folder that is tiny but complete enough for what reads it (config.json, tokenizer files, an empty safetensors file). The scenario's ``download``
interrupts it, damages a file, or finds the volume full.

Facts: KServe v0.20.0 python/storage (arguments, variables, order of the checks, texts of the errors). Which models are gated: families whose
licence must be accepted on Hugging Face, plus the scenario's ``gated_models`` and ``denied_models``. No network is used, so a token's value can't be
checked beyond its form, and every model that is named well exists.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Obj = dict[str, Any]
SETTINGS = Path("/.rehearsal/storage.json")
GATED = ("^meta-llama/", "^google/gemma")
CONTEXT_LENGTH = 131072
SCHEMES = "'gs://', 's3://', 'file://', 'http(s)://' and 'hf://' are the current available storage type."
HINTS = {
    "HuggingFace": "Set HF_TOKEN or request access to the gated repository.",
    "S3": "Set AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY or use awsAnonymousCredential=true.",
}
WEIGHTS = "model.safetensors"
TRIES_LOST = 2  # of an interrupted download; what is there by then stays
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class StorageError(Exception):
    """The download fails. ``detail`` is what the log says beside the summary."""

    def __init__(self, summary: str, detail: str = "") -> None:
        super().__init__(summary)
        self.detail = detail


def main(argv: list[str]) -> int:
    if len(argv) < 2 or len(argv) % 2:
        print("Usage: initializer-entrypoint src_uri_0 dest_path_0 ... src_uri_n dest_path_n")
        return 1
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    pairs = list(zip(argv[::2], argv[1::2], strict=True))
    say("INFO", f"Initializing, args: (src_uri, dest_path): {pairs}")
    for uri, target in pairs:
        begun = time.monotonic()
        say("INFO", f"Copying contents of {uri} to local")
        try:
            name = check(uri, os.environ, [*GATED, *settings.get("gated_models", [])], settings.get("denied_models", []))
        except StorageError as error:
            if error.detail:
                say("ERROR", error.detail)
            say("ERROR", f"Storage initialization failed: {error}")
            return 1
        time.sleep(settings["seconds"])
        try:
            fetch(Path(target), name, uri.startswith("hf://"), settings.get("download"))
        except OSError as error:
            say("ERROR", f"Unexpected error during storage initialization: {error}")
            return 1
        say("INFO", f"Successfully copied {uri} to {target}")
        say("INFO", f"Model downloaded in {time.monotonic() - begun} seconds.")
    return 0


def check(uri: str, env: Any, gated: list[str], denied: Sequence[str] = ()) -> str:
    """The model's name, when the download could work. ``denied``: gated models that this token's account may not read.

    Raises StorageError with the real one's reason.
    """
    if uri.startswith("hf://"):
        return hugging_face(uri, env, gated, denied)
    if uri.startswith("s3://"):
        return bucket(uri, env)
    if uri.startswith(("gs://", "https://", "http://", "file://")):
        raise StorageError(f"the rehearsal's storage initializer has no {uri.partition(':')[0]}:// sources; use hf:// or s3://")
    raise StorageError(f"Cannot recognize storage type for {uri}\n{SCHEMES}")


def hugging_face(uri: str, env: Any, gated: list[str], denied: Sequence[str] = ()) -> str:
    parts = uri.removeprefix("hf://").split("/")
    if len(parts) != 2:
        raise StorageError(f"Invalid Hugging Face URI format. Expected 'hf://owner/model[:revision]', got '{uri}'")
    owner, model = parts[0], parts[1].partition(":")[0]
    if not owner:
        raise StorageError(f"Hugging Face repository owner cannot be empty in URI: {uri}")
    if not model:
        raise StorageError(f"Hugging Face model name cannot be empty in URI: {uri}")
    name = f"{owner}/{model}"
    token = next((env[key].strip() for key in TOKENS if env.get(key, "").strip()), "")
    restricted = any(re.search(pattern, name) for pattern in (*gated, *denied))
    if token and not token.startswith("hf_"):
        raise _refused("HuggingFace", uri, "401 Client Error: Unauthorized. Invalid user token.")
    if restricted and not token:
        raise _refused("HuggingFace", uri, (
            f"401 Client Error. Cannot access gated repo for url https://huggingface.co/{name}/resolve/main/config.json. "
            f"Access to model {name} is restricted. You must have access to it and be authenticated to access it. Please log in."))
    if token and any(re.search(pattern, name) for pattern in denied):
        raise _refused("HuggingFace", uri, (
            f"403 Client Error. Cannot access gated repo for url https://huggingface.co/{name}/resolve/main/config.json. "
            f"Access to model {name} is restricted and you are not in the authorized list. Visit https://huggingface.co/{name} to ask for access."))
    return name


def bucket(uri: str, env: Any) -> str:
    name, _, path = uri.removeprefix("s3://").partition("/")
    keys = all(env.get(key) for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    if not name:
        raise StorageError(f"Failed to fetch model. No model found in {uri}.")
    if not keys and str(env.get("awsAnonymousCredential", "")).lower() != "true":
        raise _refused("S3", uri, "Unable to locate credentials")
    return path.rstrip("/") or name


def _refused(protocol: str, uri: str, why: str) -> StorageError:
    return StorageError(f"{protocol} authentication failed. {HINTS[protocol]}", f"{protocol} error for {uri}: {why}")


def fetch(folder: Path, name: str, hub: bool, trouble: str | None) -> None:
    """The download itself. Raises OSError where its connection breaks or the volume is full, in the words of huggingface_hub and the kernel."""
    begun = folder / ".cache" / "huggingface" / "download" / f"{WEIGHTS}.incomplete"
    if trouble == "full":
        say("WARNING", f"Not enough free disk space to download the file. The expected file size is: 4976.70 MB. The target location {folder} only has 0.00 MB free disk space.")
        raise OSError(28, "No space left on device")
    if trouble == "interrupted":
        there = begun.stat().st_size if begun.exists() else 0
        if there < TRIES_LOST:
            begun.parent.mkdir(parents=True, exist_ok=True)
            begun.write_bytes(b"." * (there + 1))
            raise OSError("HTTPSConnectionPool(host='cas-bridge.xethub.hf.co', port=443): Read timed out.")
    first = not (folder / ".cache").exists()
    write_model(folder, name, hub)
    begun.unlink(missing_ok=True)
    if trouble == "damaged" and first:
        weights = folder / WEIGHTS
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")  # as long as it should be


def write_model(folder: Path, name: str, hub: bool = False) -> None:
    """``hub``: with the notes that huggingface_hub keeps beside what it downloads (commit, the server's ETag, time)."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in model_files(name).items():
        data = text.encode()
        (folder / file).write_bytes(data)
        if hub:
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
            etag = hashlib.sha256(data).hexdigest() if file.endswith(".safetensors") else blob
            note = folder / ".cache" / "huggingface" / "download" / f"{file}.metadata"
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}\n{etag}\n{time.time()}\n", encoding="utf-8")


def model_files(name: str) -> dict[str, str]:
    """File name -> content of a tiny model."""
    config = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "max_position_embeddings": CONTEXT_LENGTH,
              "torch_dtype": "bfloat16", "_name_or_path": name}
    documents: dict[str, Obj] = {
        "config.json": config, "generation_config.json": {}, "tokenizer_config.json": {"model_max_length": CONTEXT_LENGTH},
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}},
    }
    # a safetensors file: length of its header (8 bytes), the header, no tensors
    files = {WEIGHTS: "\x02\x00\x00\x00\x00\x00\x00\x00{}"}
    return {**{file: json.dumps(content, indent=2) + "\n" for file, content in documents.items()}, **files}


def say(level: str, text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}.000 {os.getpid()} kserve {level} [storage] {text}", flush=True)
