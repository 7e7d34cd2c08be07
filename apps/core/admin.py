"""The admin's name, and nothing that would show a record without auditing it."""

from __future__ import annotations

from django.contrib import admin

admin.site.site_header = "Carefield"
admin.site.site_title = "Carefield"
admin.site.index_title = "Crisis response"
admin.site.disable_action("delete_selected")
