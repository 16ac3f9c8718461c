"""What the pages say, as pure functions of what was folded and of the time."""
