"""What the pages read: tables folded from events, and sessions of operators."""
