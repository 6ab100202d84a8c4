"""What all tests share: no time limit for a single example of hypothesis, since machines may be busy."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
