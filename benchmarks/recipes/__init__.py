"""Other people's load generators pointed at this server: ghz and k6."""
