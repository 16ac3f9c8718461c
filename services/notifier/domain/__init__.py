"""The notifier's decisions: pure, with ``now`` as an argument, each with its reason."""
