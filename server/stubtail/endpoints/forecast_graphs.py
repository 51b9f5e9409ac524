"""The exported models that forecasts use, as their processes can load them."""

from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError, Code
from stubtail.forecasting.task import GRAPHS, GraphFile


def served_graphs(models: ServedModels) -> dict[str, GraphFile]:
    """Those that are served to the caller now, by name; raises CallError as `graph_file`.

    One that is another tenant's is left out like one that is not there.
    """
    return {name: graph_file(models, name) for name in GRAPHS if models.serves(name)}


def graph_file(models: ServedModels, reference: str) -> GraphFile:
    """One of them.

    Args:
        models: the exported models that are live.
        reference: a name, with or without a version.

    Raises:
        CallError: there is none of that name, or it is not for forecasts.
    """
    loaded = models.resolve(reference).loaded
    manifest = loaded.manifest
    if manifest is None or manifest.kind != "forecasting":
        raise CallError(
            Code.FAILED_PRECONDITION,
            "MODEL_DISABLED",
            f'"{reference[:64]}" is served, but its manifest does not say kind "forecasting"',
        )
    return GraphFile(loaded.name, loaded.version, str(loaded.path), loaded.sha256)
