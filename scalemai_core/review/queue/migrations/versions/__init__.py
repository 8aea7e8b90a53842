"""One file a step, applied in order when a queue is opened."""
