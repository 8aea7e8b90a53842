"""The learned score of a mask: what it sees, learns, is worth, and where it may act."""
