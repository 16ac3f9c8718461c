"""The statuspage's schema, step by step."""
