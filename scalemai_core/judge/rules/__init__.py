"""The verifier's rules: each a small pure function from a candidate's masks to hits."""
