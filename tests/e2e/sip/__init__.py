"""SIP through the gateway, with real phones, a real proxy, and sipp on both sides."""
