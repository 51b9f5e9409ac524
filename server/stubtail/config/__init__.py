"""Every setting of the server: defaults, TOML file, environment and command line, in this order."""

from stubtail.config.anomaly import AnomalySettings
from stubtail.config.lifecycle import DrainSettings, LogSettings, SupervisorSettings
from stubtail.config.llm import AliasSettings, LlmSettings, PriceSettings, ProviderSettings
from stubtail.config.llm_limits import (
    LimitSettings,
    LlmCacheSettings,
    LlmLimitsSettings,
    LlmPrivacySettings,
)
from stubtail.config.llm_local import LlmLocalSettings, with_local
from stubtail.config.load import (
    asks_on_http,
    child_environment,
    http_scheme,
    is_loopback,
    load,
    provider_keys,
)
from stubtail.config.scheduling import SchedulingSettings
from stubtail.config.secrets import Secret
from stubtail.config.sections import LimitsSettings, ModelsSettings, ServerSettings, Settings
from stubtail.config.security import TlsSettings
from stubtail.config.sources import ConfigError, Flag, from_document, to_document, to_toml
from stubtail.config.supply import SupplySettings
from stubtail.config.tracing import TracingSettings

__all__ = [
    "AliasSettings",
    "AnomalySettings",
    "ConfigError",
    "DrainSettings",
    "Flag",
    "LimitSettings",
    "LimitsSettings",
    "LlmCacheSettings",
    "LlmLimitsSettings",
    "LlmLocalSettings",
    "LlmPrivacySettings",
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
    "SupplySettings",
    "TlsSettings",
    "TracingSettings",
    "asks_on_http",
    "child_environment",
    "from_document",
    "http_scheme",
    "is_loopback",
    "load",
    "provider_keys",
    "to_document",
    "to_toml",
    "with_local",
]
