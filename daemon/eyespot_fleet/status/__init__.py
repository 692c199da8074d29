"""How the devices of a prefix are, by what the broker tells of them."""
