"""Dataset versions and the tables beside them, as Delta Lake tables."""
