"""What the notifier does: the only place that says load, decide, save, tell."""
