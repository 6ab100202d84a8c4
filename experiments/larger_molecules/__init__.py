"""What inverse design costs, and what it keeps, as molecules grow."""
