"""The rooms behind oneshot_proxy.store. See README.md beside this file."""
