"""Small documents and Parquet parts: of rounds, reviews, claims and pins."""
