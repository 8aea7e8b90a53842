"""Volumes as sharded Zarr: layout, checksums, reading and writing in parts."""
