"""Pairing: a task is started and ended where the work is done. What is told is on disk first; a delivery brings it to capture."""
