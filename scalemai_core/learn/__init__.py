"""The network, its training and its predictions: the only door to torch and MONAI."""
