"""Networks by their MONAI names, and the head that gives every channel its logit."""
