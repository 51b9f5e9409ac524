"""The peers' sides of the comparison: each runs in its own virtual environment, not in ours."""
