"""The one table of topics."""

from datetime import timedelta

from libs.common.bus.base import TopicSpec

TRIGGERS = TopicSpec("triggers", partitions=6)
INCIDENTS = TopicSpec("incidents", partitions=6)
NOTIFICATIONS = TopicSpec("notifications", partitions=6)
DELIVERIES = TopicSpec("deliveries", partitions=6)
DIRECTORY = TopicSpec("directory", partitions=1, compacted=True, retention=None)
DEAD_LETTERS = TopicSpec("dead-letters", partitions=1, retention=timedelta(days=90))

TOPICS = (TRIGGERS, INCIDENTS, NOTIFICATIONS, DELIVERIES, DIRECTORY, DEAD_LETTERS)
"""Every topic. Keys: ``triggers`` integration + dedup key · ``incidents``, ``notifications``, ``deliveries`` incident id ·
``directory`` noun + entity id, compacted · ``dead-letters`` the key of the message that failed."""
