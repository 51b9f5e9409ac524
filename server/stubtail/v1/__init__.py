"""The public API of stubtail, version 1: messages and client stubs written by proto/generate.py."""
