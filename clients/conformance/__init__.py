"""One suite for the clients of all languages: what they send, read, retry, give up and report."""
