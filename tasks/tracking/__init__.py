"""The only door to MLflow: runs, registered models, and what consumers load."""
