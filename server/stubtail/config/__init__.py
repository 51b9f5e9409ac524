"""Every setting of the server: defaults, TOML file, environment and command line, in this order."""

from stubtail.config.lifecycle import DrainSettings, LogSettings, SupervisorSettings
from stubtail.config.llm import AliasSettings, LlmSettings, PriceSettings, ProviderSettings
from stubtail.config.load import is_loopback, load, provider_keys
from stubtail.config.scheduling import SchedulingSettings
from stubtail.config.secrets import Secret
from stubtail.config.sections import LimitsSettings, ModelsSettings, ServerSettings, Settings
from stubtail.config.security import TlsSettings
from stubtail.config.sources import ConfigError, Flag, from_document, to_document, to_toml

__all__ = [
    "AliasSettings",
    "ConfigError",
    "DrainSettings",
    "Flag",
    "LimitsSettings",
    "LlmSettings",
    "LogSettings",
    "ModelsSettings",
    "PriceSettings",
    "ProviderSettings",
    "SchedulingSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "SupervisorSettings",
    "TlsSettings",
    "from_document",
    "is_loopback",
    "load",
    "provider_keys",
    "to_document",
    "to_toml",
]
