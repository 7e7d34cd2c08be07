"""The directory: HSDS in and out, told to every tablet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.dispatch.services import load_reference
from apps.referrals.directory import hsdsout, schemas
from apps.referrals.models import Location, Organization, Service, ServiceAtLocation
from apps.referrals.services import directory
from apps.sync import registry
from tests.data import shared_data
from tests.factories import NOON, person
from tests.integration.referrals.directory import id_of, imported, services_told, shelter

pytestmark = pytest.mark.django_db


@pytest.fixture
def commit(commit_now: Callable[[], None]) -> Callable[[], None]:
    return commit_now


def example(form: str) -> dict[str, Any]:
    loaded = orjson.loads(shared_data("hsds", f"examples_{form}_full.json").read_bytes())
    assert isinstance(loaded, dict)
    return loaded


class TestRoundTrip:
    @pytest.mark.parametrize("form", ["organization", "service", "service_at_location"])
    def test_the_full_example_comes_out_as_it_went_in(self, form: str) -> None:
        payload = example(form)
        imported(payload)
        told = {
            "organization": lambda: hsdsout.organization(Organization.objects.whole().get()),
            "service": lambda: hsdsout.service(Service.objects.get()),
            "service_at_location": lambda: hsdsout.service_at_location(
                ServiceAtLocation.objects.get()
            ),
        }[form]()
        assert orjson.loads(orjson.dumps(told)) == payload

    @pytest.mark.parametrize("form", ["organization", "service", "service_at_location"])
    def test_the_same_again_changes_nothing(self, form: str, commit: Callable[[], None]) -> None:
        imported(example(form))
        commit()
        before, audited = services_told(), Entry.objects.count()
        again = imported(example(form), now=NOON + timedelta(hours=1))
        commit()
        assert set(again.same.values()) == {1}
        assert not any(again.created.values())
        assert not any(again.changed.values())
        assert services_told() == before
        assert Entry.objects.count() == audited

    def test_what_we_say_of_a_service_comes_back(self) -> None:
        imported(shelter())
        row = Service.objects.get()
        row.used_for, row.criteria = "shelter", ["call_first", "women_only"]
        directory.save_service(service=row, by=SYSTEM, now=NOON)
        told = hsdsout.organization(Organization.objects.whole().get())
        for model in (ServiceAtLocation, Service, Location, Organization):
            model.objects.all().delete()
        imported(told)
        again = Service.objects.get()
        assert (again.used_for, again.criteria) == ("shelter", ["call_first", "women_only"])
        assert hsdsout.organization(Organization.objects.whole().get()) == told


class TestImport:
    def test_wrong_input_changes_nothing_and_names_each_field(self) -> None:
        with pytest.raises(ProblemError) as found:
            imported(shelter(), shelter("Other", status="open", minimum_age="18"))
        assert [e.pointer for e in found.value.errors] == ["/1/status", "/1/minimum_age"]
        assert not Organization.objects.exists()

    def test_a_service_of_nobody_is_refused(self) -> None:
        nobodys = {k: v for k, v in shelter().items() if k != "organization"}
        with pytest.raises(ProblemError) as found:
            imported(nobodys)
        assert [e.pointer for e in found.value.errors] == ["/0/organization"]

    def test_what_an_entry_leaves_out_stays(self) -> None:
        imported(shelter(alert="Closed for cleaning on Sunday"))
        imported({"id": str(id_of("Night shelter")), "name": "Night shelter 2", "status": "active"})
        row = Service.objects.get()
        assert (row.name, row.alert) == ("Night shelter 2", "Closed for cleaning on Sunday")
        assert row.minimum_age == 18

    def test_what_is_said_to_be_nothing_is_kept_as_that(self) -> None:
        imported(shelter(url=None, phones=[]))
        told = hsdsout.service(Service.objects.get())
        assert (told["url"], told["phones"]) == (None, [])

    def test_ages_that_do_not_go_with_what_is_known_are_named(self) -> None:
        imported(shelter())
        with pytest.raises(ProblemError) as found:
            imported({**shelter(), "minimum_age": None, "maximum_age": 12})
        assert [e.pointer for e in found.value.errors] == ["/0/maximum_age"]

    def test_by_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "directory.json"
        file.write_bytes(orjson.dumps(shelter()))
        call_command("import_hsds", file)
        assert "service: 1 new, 0 changed, 0 as they were" in capsys.readouterr().out
        call_command("export_hsds")
        (told,) = orjson.loads(capsys.readouterr().out)
        assert told["services"][0]["name"] == "Night shelter"
        file.write_bytes(orjson.dumps(shelter(status="open")))
        with pytest.raises(CommandError, match="/status: One of active"):
            call_command("import_hsds", file)
        file.write_text("{")
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_hsds", file)


class TestTold:
    def test_as_its_schema_says(self, commit: Callable[[], None]) -> None:
        imported(shelter(), shelter("By telephone", service_at_locations=[]))
        commit()
        directory.set_capacity(
            service_id=id_of("Night shelter"),
            status="waitlist",
            waiting=3,
            by=person(Role.SUPERVISOR),
            now=NOON,
        )
        commit()
        reference = registry.get("reference")
        assert reference is not None
        schema = jsonschema.Draft202012Validator(reference.published_schema())
        for told in services_told().values():
            schema.validate(told)
            assert told.keys() - {"id", "kind", "rev", "_deleted"} == schemas.SERVICE.keys()

    def test_every_tablet_has_it_in_computed_form(self, commit: Callable[[], None]) -> None:
        imported(shelter())
        commit()
        told = services_told()["Night shelter"]
        assert told["organization"] == "Example Harbor"
        assert told["conditions"] == [{"code": "too_young", "about": "age", "least": 18}]
        (place,) = told["places"]
        assert (place["name"], place["lat"]) == ("The house", 47.6020)
        assert place["hours"] == "Daily 7pm-7am"
        assert place["open"][1] == ["2026-03-03T03:00Z", "2026-03-03T15:00Z"]
        assert (told["hours_from"], told["hours_until"]) == (
            "2026-03-02T08:00Z",
            "2026-03-30T07:00Z",  # the clocks have changed between
        )

    def test_what_a_place_is_called_is_told_with_its_services(
        self, commit: Callable[[], None]
    ) -> None:
        imported(shelter())
        place = Location.objects.get()
        place.name = "The other house"
        directory.save_location(location=place, by=SYSTEM, now=NOON)
        agency = Organization.objects.get()
        agency.name = "Another agency"
        directory.save_organization(organization=agency, by=SYSTEM, now=NOON)
        commit()
        told = services_told()["Night shelter"]
        assert told["places"][0]["name"] == "The other house"
        assert told["organization"] == "Another agency"

    def test_hours_of_its_own_go_before_the_services(self, commit: Callable[[], None]) -> None:
        imported(shelter())
        at = ServiceAtLocation.objects.get()
        at.schedules = [{"description": "1st Tuesday"}]
        directory.save_at_location(at=at, by=SYSTEM, now=NOON)
        commit()
        (place,) = services_told()["Night shelter"]["places"]
        assert (place["hours"], place["open"]) == ("1st Tuesday", None)

    def test_a_further_week_is_told_with_the_week_and_no_sooner(
        self, commit: Callable[[], None]
    ) -> None:
        imported(shelter())
        commit()
        sunday = datetime(2026, 3, 9, 6, 59, tzinfo=UTC)
        assert directory.tell_directory(now=sunday) == 0
        assert directory.tell_directory(now=sunday + timedelta(minutes=1)) == 1
        commit()
        assert services_told()["Night shelter"]["hours_from"] == "2026-03-09T07:00Z"

    def test_loading_the_reference_tells_of_them(self, commit: Callable[[], None]) -> None:
        imported(shelter())
        commit()
        load_reference(by=SYSTEM, now=NOON)
        commit()
        assert set(services_told()) == {"Night shelter"}

    def test_codes_that_are_none_of_ours_are_refused(self) -> None:
        imported(shelter())
        row = Service.objects.get()
        row.criteria = ["left_handed"]
        with pytest.raises(ProblemError) as found:
            directory.save_service(service=row, by=SYSTEM, now=NOON)
        assert found.value.errors[0].pointer == "/criteria"
