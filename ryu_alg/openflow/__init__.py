"""What the gateway says to its switch: the pipeline, pinhole flows, neighbours.

Messages are built as bytes of OpenFlow 1.3, from the flow syntax of ovs-ofctl; `docs/pipeline.md`
says what the tables do.
"""
