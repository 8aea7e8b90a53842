"""Synthetic tumours in real organs, drawn while a network trains."""
