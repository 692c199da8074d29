"""Events and states to messages, and the one way out."""
