"""How a queue's tables came to be, step by step."""
