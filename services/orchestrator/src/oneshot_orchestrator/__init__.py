"""The sandbox orchestrator. Read contract.py first: it names every moving part."""
