"""The HTTP port: metrics, liveness, readiness and an index of them."""

from stubtail.monitoring.http import Monitoring, MonitoringError, Page, PageMaker
from stubtail.monitoring.pages import server_pages

__all__ = ["Monitoring", "MonitoringError", "Page", "PageMaker", "server_pages"]
