"""The notifier: turns a request to tell people something into messages that arrived, or into the fact that they did not."""
