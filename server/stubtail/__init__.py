"""stubtail, an inference server for small models; only the version: stubs stay light."""

__version__ = "0.1.0"
