"""What is true about scans, annotations and models; knows no orchestrator or tracker."""
