"""BitTorrent through the gateway: inside peers that outside ones can connect to.

options              what can be configured
announcing           what every way of announcing has in common
bencode              bencoding (BEP 3), read within bounds
stream               what a TCP connection is
http                 messages of HTTP (RFC 9112)
http_announces       announces in requests (BEP 3, BEP 7)
http_answers         what trackers answer (BEP 3, BEP 7, BEP 23)
http_tracker         the state machine of a connection with a tracker
extension_handshake  what peers say of themselves (BEP 10)
pex                  peers that they tell each other of (BEP 11)
peer_wire            the state machine of a connection between peers (BEP 3)
datagrams            what a datagram is
udp_tracker          announces to UDP trackers (BEP 15, BEP 41)
dht                  announces to nodes of the DHT (BEP 5, BEP 32)
"""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.protocols.bittorrent.datagrams import BitTorrentDatagrams
from ryu_alg.protocols.bittorrent.dht import sizes
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from ryu_alg.protocols.bittorrent.stream import BitTorrentStream

PROTOCOL = ProtocolSpec(
    name="bittorrent",
    summary="BitTorrent: peers behind NAT that others can connect to",
    ports=(6969,),
    options=BitTorrentOptions,
    stream=BitTorrentStream,
    datagram=BitTorrentDatagrams,
    sizes=sizes,
)

__all__ = ["PROTOCOL", "BitTorrentDatagrams", "BitTorrentOptions", "BitTorrentStream"]
