"""The only door to Zarr, object storage and Delta Lake."""
