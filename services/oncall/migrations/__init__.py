"""The oncall schema, step by step."""
