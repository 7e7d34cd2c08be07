"""The product's settings, for workers that halt where they are told to."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.functional.followups.halting.HaltingConfig"]
