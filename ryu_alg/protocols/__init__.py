"""The protocols that come with ryu_alg. Each registers like a third party's: by entry point."""
