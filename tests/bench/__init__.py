"""The benchmark: FTP and SIP through four gateways side by side. `python -m tests.bench`, or
`make bench`.

`peers` builds the gateways, `load` is the FTP client that runs in the client's namespace,
`phone` the SIP client beside it, `calls` drives sipp and `rates` finds the highest rate that it
can keep up. `measures` says what is measured, `report` makes medians, ratios and tables of it.
"""
