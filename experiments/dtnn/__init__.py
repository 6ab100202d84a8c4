"""Learning curve of the deep tensor neural network."""
