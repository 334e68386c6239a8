"""Parcel, a protocol of this example's own: see deliveries (TCP) and calls (UDP)."""

from ryu_alg.inspection import ProtocolSpec
from ryu_alg_parcel.calls import Calls
from ryu_alg_parcel.deliveries import Deliveries
from ryu_alg_parcel.options import ParcelOptions

PROTOCOL = ProtocolSpec(
    name="parcel",
    summary="Parcel: things handed over by connection, and calls",
    ports=(7117,),
    options=ParcelOptions,
    stream=Deliveries,
    datagram=Calls,
)
