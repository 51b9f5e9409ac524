"""Who did what, and who was denied: an append-only log whose gaps and edits show."""
