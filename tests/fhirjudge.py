"""Whether something is a FHIR resource, by models that are not ours.

`fhir.resources` has no R4 (4.0.1) any more; R4B (4.3.0) differs from it in none of the resources
that are served here.
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B import get_fhir_model_class


def judged(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource; raises where it has an element too many, one too few, or a value of the wrong
    type."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource
