"""The scope of every RPC: what is not in this table is denied to everybody.

`tests/unit/access/test_methods.py` walks all descriptors and fails for an RPC that is missing.
"""

from typing import Final

OPEN: Final = ""  # answered without a credential
REFLECTION: Final = "reflection"  # as the setting access.reflection says

_SERVICES: Final[dict[str, dict[str, str]]] = {
    "stubtail.v1.ScoringService": {"Score": "predict", "ScoreStream": "predict"},
    "stubtail.v1.DecisionService": {"Decide": "predict"},
    "stubtail.v1.ForecastingService": {"Forecast": "predict"},
    "stubtail.v1.AnomalyService": {"Detect": "detect", "Watch": "detect"},
    "stubtail.v1.LlmService": {
        "Chat": "generate",
        "ChatStream": "generate",
        "Embed": "generate",
        "ListModels": "read",
        "GetProviderHealth": "read",
    },
    "stubtail.v1.ModelService": {
        "ListModels": "read",
        "GetModel": "read",
        "WatchModels": "read",
        "LoadModel": "manage",
        "UnloadModel": "manage",
        "SetAlias": "manage",
        "SetTraffic": "manage",
        "RecordOutcome": "feedback",
    },
    "inference.GRPCInferenceService": {
        # A probe tells nothing but that the server is there; kubelets have no credential.
        "ServerLive": OPEN,
        "ServerReady": OPEN,
        "ModelReady": "read",
        "ServerMetadata": "read",
        "ModelMetadata": "read",
        "ModelConfig": "read",
        "ModelStatistics": "read",
        "RepositoryIndex": "read",
        "ModelInfer": "predict",
        "ModelStreamInfer": "predict",
        "RepositoryModelLoad": "manage",
        "RepositoryModelUnload": "manage",
        # Described by the protocol and not offered by this server.
        "SystemSharedMemoryStatus": "manage",
        "SystemSharedMemoryRegister": "manage",
        "SystemSharedMemoryUnregister": "manage",
        "CudaSharedMemoryStatus": "manage",
        "CudaSharedMemoryRegister": "manage",
        "CudaSharedMemoryUnregister": "manage",
        "TraceSetting": "manage",
        "LogSettings": "manage",
    },
    "grpc.health.v1.Health": {"Check": OPEN, "List": OPEN, "Watch": OPEN},
    "grpc.reflection.v1.ServerReflection": {"ServerReflectionInfo": REFLECTION},
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": REFLECTION},
}

METHODS: Final[dict[str, str]] = {
    f"/{service}/{method}": scope
    for service, methods in _SERVICES.items()
    for method, scope in methods.items()
}
ADMINISTRATIVE: Final = frozenset({"manage", "automation"})  # what the audit log keeps


def methods_with(reflection: str) -> dict[str, str]:
    """The table, with reflection open ("open") or behind the scope read ("read")."""
    scope = OPEN if reflection == "open" else "read"
    return {path: scope if one == REFLECTION else one for path, one in METHODS.items()}
