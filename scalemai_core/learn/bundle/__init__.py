"""A model as a bundle that MONAI's own loader runs, without this engine."""
