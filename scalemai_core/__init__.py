"""What is true about scans, annotations and models: no orchestrator, cluster or tracker is known here."""
