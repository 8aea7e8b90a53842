"""The page of one judgement: what was measured, expected and done, in words and a picture."""
