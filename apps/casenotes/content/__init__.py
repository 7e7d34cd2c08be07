"""What a case note holds and asks for: pure functions of its content and of a few facts.

`content` is a note document's fields as JSON gives them; whatever stands in them, nothing here
raises. `parts` has the table of fields, `cssrs` the screener, `grave` the gravest outcomes,
`completeness` the paths, `reviews` who looks at it afterwards. What of it is decided by the agency,
its medical director and counsel is data: a policy (`casenotes.policies`), which is an argument.
"""

from apps.casenotes.content.completeness import (
    Completeness,
    RecordFacts,
    RecordKind,
    against_short_path,
    blocking,
    completeness,
    outcome_of,
    record_kind,
)
from apps.casenotes.content.examples import EXAMPLES
from apps.casenotes.content.grave import Deadline, deadlines, restricted
from apps.casenotes.content.lists import REFERENCE_LISTS
from apps.casenotes.content.parts import (
    CONTENT_SCHEMA,
    POLICIES,
    SIGNED_FIELDS,
    content_hash,
    content_of,
    problems,
)
from apps.casenotes.content.reviews import required

__all__ = [
    "CONTENT_SCHEMA",
    "EXAMPLES",
    "POLICIES",
    "REFERENCE_LISTS",
    "SIGNED_FIELDS",
    "Completeness",
    "Deadline",
    "RecordFacts",
    "RecordKind",
    "against_short_path",
    "blocking",
    "completeness",
    "content_hash",
    "content_of",
    "deadlines",
    "outcome_of",
    "problems",
    "record_kind",
    "required",
    "restricted",
]
