"""The proxy to language models: providers, routing, breakers, streams."""
