"""Days of the week, as people write them."""

from libs.common.weekdays import EVERY_DAY, NAMES, Weekdays, day_number

__all__ = ["EVERY_DAY", "NAMES", "Weekdays", "day_number"]
