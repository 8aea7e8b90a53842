"""The 88 structures, and the names that other datasets give them."""
