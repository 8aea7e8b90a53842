"""The page of one round, part by part."""
