"""The command line of the client: `python -m stubtail_client`."""
