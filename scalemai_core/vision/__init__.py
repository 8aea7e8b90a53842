"""The optional second expert: pictures of two masks, and a vision-language model's answer."""
