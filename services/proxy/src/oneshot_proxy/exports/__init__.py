"""A recorded session in formats that others read: one module a format, all of them in `table.py`."""
