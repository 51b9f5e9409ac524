"""What a model is called inside: a tenant's own has the tenant in front, as acme/churn; pure.

On disk it lies in the tenant's folder, @acme/churn. Neither @ nor / can be in the name of a model,
so no shared model can be taken for a tenant's.
"""

import re
from typing import Final

FOLDER_SIGN: Final = "@"
ALL: Final = "/"  # stands for all models, and is nobody's own: no name and no pattern is like it
_TENANT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def model_key(tenant: str, name: str) -> str:
    """The key of a tenant's model; "" is nobody's own, which everybody shares."""
    return f"{tenant}/{name}" if tenant else name


def tenant_of(key: str) -> str:
    """Whose folder the model lies in; "" for the folder that all share."""
    return key.rpartition("/")[0]


def name_of(key: str) -> str:
    """What callers call it."""
    return key.rpartition("/")[2]


def is_folder_of_tenant(name: str) -> bool:
    """Whether a folder among the models is that of a tenant, by its name."""
    return name.startswith(FOLDER_SIGN) and _TENANT.fullmatch(name, 1) is not None
