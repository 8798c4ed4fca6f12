"""Work on many files: which ones, where to, several at a time, and again after an interruption."""
