"""The engines that the contract is held against."""

import pytest

ENGINES = ["postgres", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(params=ENGINES)
def bus_url(request: pytest.FixtureRequest) -> str:
    """The URL of a bus, once for each engine."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka_bootstrap')}"
    return str(request.getfixturevalue("database_url"))
