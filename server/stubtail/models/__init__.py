"""What runs and which version of it is live: manifests, graphs, sessions and the repository."""
