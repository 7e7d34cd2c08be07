"""The product's settings for what the tests of the simulator start, with a quick password hash: a
demo signs in fifteen people, and the product's hash takes half a second of a processor for each."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
