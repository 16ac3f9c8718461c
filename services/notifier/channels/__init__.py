"""Channels: one provider a file, all behind :mod:`services.notifier.channels.base`."""
