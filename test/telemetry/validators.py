"""What machines outside make of what is sent to them, by libraries that others wrote: one finding a line, as JSON."""
import base64
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from standardwebhooks.webhooks import Webhook

IDS = {"traceId", "spanId", "parentSpanId"}


def with_protobuf_ids(value):
    """OTLP writes ids in hexadecimal digits, and protobuf's own JSON all bytes in base64."""
    if isinstance(value, list):
        return [with_protobuf_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key in IDS else with_protobuf_ids(one)
        for key, one in value.items()
    }


def check(given):
    body, headers = given["body"], given["headers"]
    if given["kind"] == "trace":
        request = json_format.ParseDict(with_protobuf_ids(json.loads(body)), ExportTraceServiceRequest())
        spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
        if not spans:
            raise ValueError("it holds no span")
        for span in spans:
            if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
                raise ValueError(f"{span.name} has ids of the wrong length")
            if span.end_time_unix_nano < span.start_time_unix_nano or span.start_time_unix_nano == 0:
                raise ValueError(f"{span.name} ends before it starts")
        return
    event = from_http_event(HTTPMessage(headers, body.encode()))
    if event.get_specversion() != "1.0" or not event.get_time().tzinfo:
        raise ValueError("it is no CloudEvent 1.0 with a time")
    for secret in given["secrets"]:
        Webhook(secret).verify(body, headers)


for line in sys.stdin:
    try:
        check(json.loads(line))
        print(json.dumps(None))
    except Exception as error:  # whatever a library says
        print(json.dumps(f"{type(error).__name__}: {error}"))
