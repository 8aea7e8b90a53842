"""Lesions one by one: candidates, the operating point, and what a report settles."""
