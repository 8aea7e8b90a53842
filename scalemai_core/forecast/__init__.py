"""How long a round over many scans takes: arithmetic on rates, and no files."""
