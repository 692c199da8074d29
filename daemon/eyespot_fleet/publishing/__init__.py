"""A repository of The Update Framework: what it holds, who signs it, and how it is changed."""
