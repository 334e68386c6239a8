"""SIP through the gateway: RFC 3261 and what grew around it.

grammar, uris, addresses, via, names   the pieces of a message, and where they stand in it
message     one message, read in place
edits       changes of a message
responses   the gateway's own responses
"""
