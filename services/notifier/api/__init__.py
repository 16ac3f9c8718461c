"""The notifier's HTTP API: the local outbox, the ledger of attempts, and what providers call."""
