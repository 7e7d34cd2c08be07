"""The problems that only synchronisation has; the rest of the catalogue is in `core`."""

from __future__ import annotations

from apps.core.problems import Problem

UNKNOWN_COLLECTION = Problem(
    "unknown-collection", 404, "There is no such collection.", "See /api/v1/schemas/{collection}."
)
PULL_ONLY = Problem(
    "pull-only", 403, "Nothing can be pushed to this collection.", "Send what you record as facts."
)
BAD_CHECKPOINT = Problem(
    "bad-checkpoint", 400, "This checkpoint is not usable here.",
    "Drop it and pull without a checkpoint: everything comes again, nothing is lost.",
)  # fmt: skip
ANOTHER_HISTORY = Problem(
    "another-history", 409, "This server follows another history than this local database.",
    "Push everything you hold, then pull from the start, under the epoch in Sync-Epoch.",
)  # fmt: skip
PULL_FIRST = Problem(
    "pull-first", 409, "There is something after this checkpoint.",
    "Pull until a page is short, then ask again with its checkpoint.",
)  # fmt: skip
UPGRADE_REQUIRED = Problem(
    "upgrade-required", 426, "This app is too old for this server.",
    "Update the app. What was typed is still taken and nothing is lost; after the update everything"
    " comes again.",
)  # fmt: skip
BEHIND = Problem(
    "behind", 503, "This server has not yet seen what you have seen.",
    "Send the same again after Retry-After seconds.",
)  # fmt: skip
NO_MEDIA = Problem(
    "no-media", 404, "Not here yet, or not for you.",
    "Show that it is not here yet; send it if you have it, from Upload-Offset on.",
)  # fmt: skip
UPLOAD_OFFSET = Problem(
    "upload-offset", 409, "This upload goes on elsewhere.", "Go on from Upload-Offset."
)  # fmt: skip
WRONG_HASH = Problem(
    "wrong-hash", 400, "These bytes have another SHA-256 than their address.",
    "Everything sent so far was dropped. Work the hash out again, send under that address.",
)  # fmt: skip
NOT_A_PICTURE = Problem(
    "not-a-picture", 415, "This is no picture of a kind that is taken.", "Send JPEG, PNG or WebP."
)  # fmt: skip
BROKEN_PICTURE = Problem(
    "broken-picture", 400, "This picture cannot be opened.",
    "Everything sent so far was dropped. Keep the file in sight on the tablet; take it again.",
)  # fmt: skip
