"""What clients and operators see: read models folded from events, the public pages and the operators' console."""
