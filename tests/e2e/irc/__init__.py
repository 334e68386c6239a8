"""IRC with real programs: ngircd, WeeChat, and clients that do as a test tells them."""
