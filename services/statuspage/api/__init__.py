"""HTTP: the public pages, the operators' console, its sessions, and what changed, as it changes."""
