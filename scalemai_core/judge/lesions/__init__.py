"""Lesions one by one: candidates, the operating point that asks for them, and what settles them."""
