"""What is wrong with a mask, and what to do about it: pure functions, no file is opened here."""
