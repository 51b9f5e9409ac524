"""What a server has: the methods `models`, `model` and `health` of both clients."""

from stubtail_client import health as health_wire
from stubtail_client import replies, wire
from stubtail_client.connection import GET_MODEL_PATH, LIST_MODELS_PATH
from stubtail_client.health import CHECK_PATH, HealthStatus
from stubtail_client.methods import Call, awaiting, blocking
from stubtail_client.models import Model, ModelSummary


def models(*, timeout: float | None = None) -> Call[list[ModelSummary]]:
    """Lists all known versions of all models, ready or not, by name.

    Raises:
        StubtailError: as `score`.
    """
    return Call(LIST_MODELS_PATH, b"", timeout, replies.decode_models)


def model(model: str, *, timeout: float | None = None) -> Call[Model]:
    """Describes `name` (the live version) or `name@version`, with its features.

    Raises:
        NotFound: no such model or version.
        StubtailError: as `score`.
    """
    return Call(GET_MODEL_PATH, wire.get_model(model), timeout, replies.decode_model)


def health(service: str = "", *, timeout: float | None = None) -> Call[HealthStatus]:
    """Asks whether the server ("") or one of its services or models serves.

    Raises:
        NotFound: the server has no service of that name.
        StubtailError: as `score`.
    """
    return Call(CHECK_PATH, health_wire.encode_check(service), timeout, health_wire.decode_check)


class Catalogue:
    """Adds these methods to the sync client."""

    models = blocking(models)
    model = blocking(model)
    health = blocking(health)


class CatalogueAsync:
    """Adds them to the async client."""

    models = awaiting(models)
    model = awaiting(model)
    health = awaiting(health)
