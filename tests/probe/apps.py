from django.apps import AppConfig


class ProbeConfig(AppConfig):
    name = "tests.probe"
    label = "probe"

    def ready(self) -> None:
        from tests.probe import gate  # noqa: PLC0415  (what it holds is loaded by now)

        gate.install()
