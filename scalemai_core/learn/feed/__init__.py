"""Training patches: which scan, where in it, how varied; read straight from the store."""
