"""The packs of the source ``mail``: each reads the mails of one vendor or of one form. A new one needs its file and nothing else."""
