"""The local page on which an operator sees what cameras noticed, and draws lines on it."""
