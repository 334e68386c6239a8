"""What `Media` remembers between messages, without a switch."""

from __future__ import annotations

from ipaddress import ip_address

from ryu_alg.engine.commands import CloseMedia, MediaPath, OpenMedia
from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow.ct_flush import forget, is_forget
from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.pinholes import cut_flow

ZONE, MARK = 9, 7


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


PATH = MediaPath(at("10.0.0.2", 4000), at("203.0.113.1", 40_000), at("192.0.2.1", 6000))
OTHER = MediaPath(at("10.0.0.2", 4000), at("203.0.113.1", 40_000), at("192.0.2.2", 6000))
FROM_INSIDE = forget(
    ZONE,
    Transport.UDP,
    source=ip_address("10.0.0.2"),
    source_port=4000,
    destination=ip_address("192.0.2.1"),
    destination_port=6000,
)
FROM_REMOTE = forget(
    ZONE,
    Transport.UDP,
    source=ip_address("192.0.2.1"),
    source_port=6000,
    destination=ip_address("203.0.113.1"),
    destination_port=40_000,
)
FROM_ANY_PORT = forget(
    ZONE,
    Transport.UDP,
    source=ip_address("192.0.2.1"),
    destination=ip_address("203.0.113.1"),
    destination_port=40_000,
)


def forgotten(messages: list[bytes]) -> set[bytes]:
    return {message for message in messages if is_forget(message)}


def opened(*paths: MediaPath, number: int = 1) -> Media:
    media = Media()
    media.open(OpenMedia(number, MARK, paths), ZONE)
    media.settled()
    media.settled()
    assert not media.settling
    return media


def test_what_was_forgotten_is_forgotten_again_after_a_while() -> None:
    media = opened(PATH)
    assert forgotten(media.close(CloseMedia(1, MARK, (PATH,)), ZONE)) == {FROM_INSIDE, FROM_REMOTE}
    # The moment that is being waited for may be an earlier message's.
    assert media.settled() == []
    assert media.settling
    assert forgotten(media.settled()) == {FROM_INSIDE, FROM_REMOTE}
    assert not media.settling


def test_only_another_port_has_the_switch_go_through_all_connections() -> None:
    media = opened(PATH)
    assert len(media.other_port(1, ZONE)) == 3
    assert FROM_ANY_PORT in media.close(CloseMedia(1, MARK, (PATH,)), ZONE)
    assert media.other_port(1, ZONE) == []


def test_the_end_of_what_was_opened_by_another_process() -> None:
    messages = Media().close(CloseMedia(1, MARK, (PATH,)), ZONE)
    assert forgotten(messages) == {FROM_INSIDE, FROM_REMOTE, FROM_ANY_PORT}


def test_a_remote_that_stays_is_left_alone() -> None:
    media = opened(PATH)
    assert not forgotten(media.open(OpenMedia(1, MARK, (PATH,)), ZONE))
    both = forgotten(media.open(OpenMedia(1, MARK, (PATH, OTHER)), ZONE))
    assert len(both) == 1 and FROM_INSIDE not in both
    assert forgotten(media.open(OpenMedia(1, MARK, (OTHER,)), ZONE)) == {FROM_INSIDE, FROM_REMOTE}


def test_a_new_pipeline_ends_what_was_closed_meanwhile() -> None:
    media = opened(PATH)
    media.open(OpenMedia(2, MARK + 1, (OTHER,)), ZONE)
    flows, ending = media.installed((OpenMedia(2, MARK + 1, (OTHER,)),), ZONE)
    assert len(flows) == 3
    assert set(ending) == {FROM_INSIDE, FROM_REMOTE}
    assert media.installed((), ZONE)[0] == []


def test_a_switch_that_cannot_forget_cuts_what_is_over() -> None:
    media = opened(PATH)
    media.open(OpenMedia(2, MARK + 1, (OTHER,)), ZONE)
    media.close(CloseMedia(1, MARK, (PATH,)), ZONE)
    assert media.cannot_forget() == [flow_mod(cut_flow(MARK, 180))]
    assert not media.settling
    closing = media.close(CloseMedia(2, MARK + 1, (OTHER,)), ZONE)
    assert closing[-1] == flow_mod(cut_flow(MARK + 1, 180))
    assert not forgotten(closing)
