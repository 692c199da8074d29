from hypothesis import settings

# The machine may be busy, and the disk slow: time is judged in tests that ask for it.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
