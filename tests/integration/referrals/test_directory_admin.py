"""The directory in the admin: typed as people write it, handed in as a file, tasks settled."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.audit.models import Entry
from apps.referrals.models import (
    Capacity,
    DirectoryTask,
    Location,
    Organization,
    Service,
    ServiceAtLocation,
)
from tests.data import shared_data
from tests.factories import NOON
from tests.integration.assignments.conftest import World
from tests.integration.referrals.directory import (
    a_shelter,
    fact,
    id_of,
    imported,
    services_told,
    shelter,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(world: World) -> Client:
    client = Client()
    client.force_login(world.supervisor)
    return client


def page(desk: Client, address: str, **given: Any) -> str:
    """A page of the directory; with `given` posted."""
    path = f"/admin/referrals/{address}"
    answer = desk.post(path, given, follow=True) if given else desk.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def fields_of(desk: Client, address: str) -> dict[str, Any]:
    """What the form of a page holds, as a browser would send it back."""
    form = desk.get(f"/admin/referrals/{address}").context["adminform"].form
    found = {}
    for bound in form:
        value = bound.value()
        if value is not None:
            found[bound.html_name] = value
    return found


class TestEntries:
    def test_are_typed_as_people_write(self, world: World, desk: Client) -> None:
        page(desk, "organization/add/", name="Example Hall", description="Made up.")
        organization = Organization.objects.get()
        page(
            desk,
            "location/add/",
            name="The hall",
            location_type="physical",
            latitude="47.602",
            longitude="-122.33",
            address_1="2ND AVE / MAIN ST",
            city="Seattle",
            access="Ramp at the side door",
        )
        page(
            desk,
            "service/add/",
            name="Night hall",
            organization=str(organization.pk),
            used_for="shelter",
            reach="on_site",
            status="active",
            criteria=["call_first", "women_only"],
            minimum_age="18",
            hours="Daily 7pm-7am",
            phone_lines="206-555-0100 | Front desk\n206-555-0101",
            language_names="Spanish, Vietnamese",
        )
        service, place = Service.objects.get(), Location.objects.get()
        page(desk, "serviceatlocation/add/", service=str(service.pk), location=str(place.pk))
        world.commit()
        told = services_told()["Night hall"]
        assert told["steps"] == ["call_first"]
        assert [one["code"] for one in told["conditions"]] == ["too_young", "women_only"]
        assert told["phones"][0] == {"number": "206-555-0100", "label": "Front desk"}
        assert told["languages"] == ["Spanish", "Vietnamese"]
        (where,) = told["places"]
        assert (where["address"], where["accessibility"]) == (
            "2ND AVE / MAIN ST, Seattle",
            "Ramp at the side door",
        )
        assert len(where["open"]) > 20
        assert ServiceAtLocation.objects.count() == 1
        created = Entry.objects.filter(action="create", actor_id=world.supervisor.pk)
        assert {entry.subject_type for entry in created} == {
            "organization",
            "location",
            "service",
            "service_at_location",
        }

    def test_that_are_only_looked_at_stay_as_they_were_imported(self, desk: Client) -> None:
        payload = orjson.loads(shared_data("hsds", "examples_organization_full.json").read_bytes())
        told = payload["services"][0]
        told["description"] = told["description"].strip()  # as a form does
        imported(payload)
        before = [
            (m, m.objects.values()[0]) for m in (Organization, Location, Service, ServiceAtLocation)
        ]
        for model, row in before:
            address = f"{model._meta.model_name}/{row['id']}/change/"
            page(desk, address, **fields_of(desk, address))
        assert [(m, m.objects.values()[0]) for m, _ in before] == before

    def test_one_change_leaves_the_rest_of_a_telephone(self, desk: Client) -> None:
        imported(
            shelter(
                phones=[
                    {"id": str(id_of("p")), "number": "1", "extension": 7, "type": "voice"},
                    {"id": str(id_of("q")), "number": "2"},
                ]
            )
        )
        row = Service.objects.get()
        address = f"service/{row.pk}/change/"
        page(desk, address, **{**fields_of(desk, address), "phone_lines": "1 | Front desk"})
        row.refresh_from_db()
        assert row.phones == [
            {
                "id": str(id_of("p")),
                "number": "1",
                "extension": 7,
                "type": "voice",
                "description": "Front desk",
            }
        ]

    def test_what_cannot_be_is_said_at_its_field(self, desk: Client) -> None:
        imported(shelter())
        row = Service.objects.get()
        address = f"service/{row.pk}/change/"
        told = page(desk, address, **{**fields_of(desk, address), "maximum_age": "12"})
        assert "Not below the minimum." in told
        place = Location.objects.get()
        address = f"location/{place.pk}/change/"
        told = page(desk, address, **{**fields_of(desk, address), "longitude": ""})
        assert "Both, or neither." in told

    def test_are_for_supervisors(self, world: World, desk: Client) -> None:
        desk.force_login(world.dispatcher)
        for name in ("organization", "location", "service", "directorytask", "capacity"):
            assert desk.get(f"/admin/referrals/{name}/").status_code == 403
        assert desk.get("/admin/referrals/organization/import/").status_code == 403
        assert desk.get("/admin/referrals/organization/export/").status_code == 403


class TestFiles:
    def upload(self, desk: Client, content: bytes) -> str:
        return page(
            desk, "organization/import/", file=SimpleUploadedFile("directory.json", content)
        )

    def test_come_in_and_go_out(self, desk: Client) -> None:
        assert "4 entries are new" in self.upload(desk, orjson.dumps(shelter()))
        assert "4 are as they were" in self.upload(desk, orjson.dumps(shelter()))
        answer = desk.get("/admin/referrals/organization/export/")
        assert orjson.loads(answer.content)[0]["services"][0]["name"] == "Night shelter"

    def test_with_anything_wrong_change_nothing_and_name_it(self, desk: Client) -> None:
        told = self.upload(desk, orjson.dumps([shelter(), shelter("Other", status="open")]))
        assert "/1/status" in told
        assert "This is no JSON" in self.upload(desk, b"{")
        assert not Organization.objects.exists()


class TestCapacity:
    def test_that_was_told_on_the_telephone_is_entered(self, world: World, desk: Client) -> None:
        service = a_shelter(world.commit)
        address = f"service/{service.pk}/capacity/"
        told = page(desk, address, status="no-capacity", counted="beds", free="2")
        assert "none is free" in told
        page(desk, address, status="capacity", counted="beds", total="40", free="2")
        row = Capacity.objects.get()
        assert (row.free, row.by_desk) == (2, world.supervisor)
        assert "Has capacity, 2 beds" in page(desk, "service/")
        assert "Has capacity" in page(desk, "capacity/")
        assert desk.get("/admin/referrals/capacity/add/").status_code == 403


class TestTasks:
    def test_are_settled_by_a_form_that_shows_what_was_reported(
        self, world: World, desk: Client
    ) -> None:
        service = a_shelter(world.commit)
        world.push(
            fact(
                world,
                "directory_report",
                service_id=service.pk,
                about="hours",
                found="Closes at 6",
            )
        )
        task = DirectoryTask.objects.get()
        assert "Opening hours" in page(desk, "directorytask/?state=open")
        assert "Closes at 6" in page(desk, f"directorytask/{task.pk}/settle/")
        assert Entry.objects.filter(action="read", subject_type="facility_fact").exists()
        page(desk, f"directorytask/{task.pk}/settle/", outcome="corrected")
        task.refresh_from_db()
        assert (task.outcome, task.settled_by) == ("corrected", world.supervisor)
        assert "/settle/" not in page(desk, "directorytask/?state=open")

    def test_are_not_changed_but_settled(self, world: World, desk: Client) -> None:
        task = DirectoryTask.objects.create(
            service=a_shelter(world.commit), about="phone", opened_at=NOON
        )
        answer = desk.post(f"/admin/referrals/directorytask/{task.pk}/change/", {"about": "hours"})
        assert answer.status_code == 403
        assert desk.get("/admin/referrals/directorytask/add/").status_code == 403
        desk.force_login(world.dispatcher)
        assert desk.get(f"/admin/referrals/directorytask/{task.pk}/settle/").status_code == 403

    def test_verification_is_one_action(self, world: World, desk: Client) -> None:
        service = a_shelter(world.commit)
        page(desk, "service/", action="verify", _selected_action=str(service.pk))
        assert Entry.objects.filter(action="verify", subject_ids=[service.pk]).exists()


class TestFacts:
    def test_are_read_and_it_is_written_down(self, world: World, desk: Client) -> None:
        service, case = a_shelter(world.commit), world.given()
        world.push(
            fact(
                world,
                "bed_call",
                service_id=service.pk,
                assignment_id=case.pk,
                answered_by="Night desk",
            )
        )
        told = page(desk, "facilityfact/")
        assert "Night shelter" in told
        assert "Night desk" not in told
        (entry,) = Entry.objects.filter(action="read", subject_type="facility_fact")
        assert "Night desk" in page(desk, f"facilityfact/{entry.subject_ids[0]}/change/")
