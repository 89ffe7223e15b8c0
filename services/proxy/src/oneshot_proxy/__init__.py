"""The tracing proxy: the only holder of API keys, the only part that talks to model APIs.

Read `records` (what is kept), `sessions` (who may call), `addons/gate` (what is let through) and `addons/tap` (what is
recorded), in this order.
"""
