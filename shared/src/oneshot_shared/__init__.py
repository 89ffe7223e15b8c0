"""What the services have in common; both sides of every call import only this."""
