"""The capture tools over streamable HTTP, for clients that have no working tree here and send packs."""
