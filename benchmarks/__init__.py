"""Measurements of stubtail against floors and peers; `python -m benchmarks --help` teaches them."""
