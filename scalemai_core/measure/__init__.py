"""Numbers about label maps: overlap, shape, statistics; opens no file."""
