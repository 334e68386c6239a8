"""The benchmark: FTP through four gateways side by side. `python -m tests.bench`, or `make bench`.

`peers` builds the gateways, `load` is the FTP client that runs in the client's namespace,
`measures` says what is measured, `report` makes medians, ratios and tables of it.
"""
