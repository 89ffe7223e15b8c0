"""The person's repository: found, read, and never written. Knows no MCP and no gRPC."""
