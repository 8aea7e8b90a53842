"""A stored model at work: windows streamed along z, label maps and evidence as they pass."""
