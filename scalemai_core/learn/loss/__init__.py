"""What labels say of voxels, and the loss on what is known."""
