"""Law cards of several models, and what the parts of a DTNN mean."""
