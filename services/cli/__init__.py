"""The ``tocsin`` command: the configuration as code, and questions to a running Tocsin."""
