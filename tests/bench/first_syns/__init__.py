"""Whether the first SYN of a data connection is ever lost: FTP transfers, counted SYN by SYN."""
