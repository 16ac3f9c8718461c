"""What intake does, use case by use case: load, decide, save, tell."""
