"""The review queue: SQL, and rebuilt at any time from the workspace's items and its review log."""
