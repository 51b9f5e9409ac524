"""Clients of others, and examples without a client of ours, each run against a server."""
