"""FHIR R4 for partners: referrals as ServiceRequest, Task and Consent of the guide "SDOH Clinical
Care" (HL7/fhir-sdoh-clinicalcare @ 6604b7a). Pure functions from rows and disclosed documents to
resources, and from a Task that a partner sends to what it says.

What is in a ServiceRequest of anybody is decided when it is read, by the same rule and in the same
accounting as every other way (`services.disclosures`). A Task and a Consent say nothing of anybody.
No resource holds an identifier of a person: each names whom it is about by its own id, so that
nobody joins what they were not told belongs together.
"""
