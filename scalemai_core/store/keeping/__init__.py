"""What is damaged in a workspace, and what may go."""
