"""Pictures of masks in a scan, and how numbers are written."""
