"""Templates and assets, and how they become HTML."""
