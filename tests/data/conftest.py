"""Property tests here have no time limit of their own: a slow machine is no fault."""

from hypothesis import settings

settings.register_profile("data", deadline=None)
settings.load_profile("data")
