"""Other inference servers beside ours: the same model, the same rows, the same machine."""
