"""Pages of the admin that are no list of one model. They stand before Django's own."""

from __future__ import annotations

from apps.cockpit.board.urls import urlpatterns as board
from apps.cockpit.stories.urls import urlpatterns as stories

urlpatterns = [*board, *stories]
