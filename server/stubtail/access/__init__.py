"""Who calls, what they may do, and how much of the server is theirs; decisions without I/O."""
