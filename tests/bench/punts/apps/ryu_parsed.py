"""A Ryu application that looks at each packet before it sends it back, as applications do that are
about packets: with Ryu's own parsers."""

from ryu.base import app_manager
from ryu.controller import ofp_event
from ryu.controller.handler import MAIN_DISPATCHER, set_ev_cls
from ryu.lib.packet import ethernet, ipv4, packet, tcp
from ryu.ofproto import ofproto_v1_3


class Parsed(app_manager.RyuApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]  # noqa: RUF012

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev):
        message = ev.msg
        parsed = packet.Packet(message.data)
        frame, datagram, segment = map(parsed.get_protocol, (ethernet.ethernet, ipv4.ipv4, tcp.tcp))
        if frame is None or datagram is None or segment is None:
            return
        datapath = message.datapath
        parser = datapath.ofproto_parser
        datapath.send_msg(
            parser.OFPPacketOut(
                datapath=datapath,
                buffer_id=datapath.ofproto.OFP_NO_BUFFER,
                in_port=message.match["in_port"],
                actions=[parser.OFPActionOutput(2)],
                data=message.data,
            )
        )
