"""The oneshot command: a gRPC client of the services. Modules are imported by the command that needs them."""
