"""Every setting of the server: defaults, TOML file, environment and command line, in this order."""

from stubtail.config.lifecycle import DrainSettings, LogSettings, SupervisorSettings
from stubtail.config.load import is_loopback, load
from stubtail.config.scheduling import SchedulingSettings
from stubtail.config.sections import LimitsSettings, ModelsSettings, ServerSettings, Settings
from stubtail.config.security import TlsSettings
from stubtail.config.sources import ConfigError, Flag, from_document, to_document, to_toml

__all__ = [
    "ConfigError",
    "DrainSettings",
    "Flag",
    "LimitsSettings",
    "LogSettings",
    "ModelsSettings",
    "SchedulingSettings",
    "ServerSettings",
    "Settings",
    "SupervisorSettings",
    "TlsSettings",
    "from_document",
    "is_loopback",
    "load",
    "to_document",
    "to_toml",
]
