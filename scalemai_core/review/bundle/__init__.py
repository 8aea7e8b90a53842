"""What an item shows: where to look, found once, and the crop that is cut when it is asked for."""
