"""Ways of tracks, kept for some hours: off by default, for aiming and for what-ifs.

`ways` and `strips` are pure: scenes become pieces of whole numbers, and these become strips again.
`gathering` is for the thread that counts, `segments` has files, `aiming` ends by itself, and `keeper` is all
of it for one thread.
"""
