"""Voxel geometry on NumPy: orientation, resampling, components, windows."""
