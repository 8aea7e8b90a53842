"""What leaves a workspace: dataset versions as files that other tools read."""
