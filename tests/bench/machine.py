"""What the figures were taken on, and how much else the machine had to do."""

import os
import platform
from pathlib import Path
from typing import Final

import psutil

from libs.common.bus.kafka_jars import listed_jars

PROBE_SECONDS: Final = 1.0


def busy() -> float:
    """Percent of all cores that are in use now, while no benchmark runs: the other programs' share."""
    return psutil.cpu_percent(PROBE_SECONDS)


def load() -> str:
    """The load average of the last one, five and fifteen minutes."""
    return " · ".join(f"{value:.1f}" for value in os.getloadavg())


def facts() -> tuple[tuple[str, str], ...]:
    """The machine and the programs that need no start to be asked."""
    memory = psutil.virtual_memory().total / 1024**3
    kafka = next(jar.version for jar in listed_jars() if jar.artifact.startswith("kafka_"))
    return (
        ("cores", f"{os.cpu_count()} × {_processor()}"),
        ("memory", f"{memory:.0f} GB"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("Kafka", kafka),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
