"""One addon = one file = one class; method names are mitmproxy's event names. See README.md beside this file."""
