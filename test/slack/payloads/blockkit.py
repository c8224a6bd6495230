"""Checks Block Kit payloads with slack_sdk's own models: one JSON payload a line in, one JSON list of faults a line out.

A payload is {"surface": "message" | "modal" | "home", "blocks": [...]} or {"surface": ..., "view": {...}}. A model checks sizes and
required fields (`validate_json`); what it does not know it leaves out, so what comes back is compared with what went in.
"""

import json
import logging
import sys

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

logging.disable(logging.CRITICAL)


def lost(before, after, at):
    """Where `after`, as the model writes it, lacks something of `before`. A model may add what is left out by default."""
    if isinstance(before, dict):
        if not isinstance(after, dict):
            return [f"{at}: became {after!r}"]
        faults = []
        for key, value in before.items():
            if key not in after:
                faults.append(f"{at}.{key}: the model does not know it")
            else:
                faults += lost(value, after[key], f"{at}.{key}")
        return faults
    if isinstance(before, list):
        if not isinstance(after, list) or len(after) != len(before):
            return [f"{at}: became {after!r}"]
        return [fault for n, (one, other) in enumerate(zip(before, after)) for fault in lost(one, other, f"{at}[{n}]")]
    return [] if before == after else [f"{at}: {before!r} became {after!r}"]


def plain(value):
    return json.loads(json.dumps(value, default=lambda one: one.to_dict()))


def check_block(block, at):
    model = Block.parse(dict(block))
    if model is None:
        return [f"{at}: no such block: {block.get('type')}"]
    model.validate_json()
    return lost(block, plain(model.to_dict()), at)


def check(payload):
    faults = []
    view = payload.get("view")
    blocks = (view or payload)["blocks"]
    try:
        if view is not None:
            model = View(**{key: value for key, value in view.items()})
            model.validate_json()
            faults += lost(view, plain(model.to_dict()), "view")
        for n, block in enumerate(blocks):
            faults += check_block(block, f"blocks[{n}]")
    except Exception as error:  # whatever a model raises is what it says about the payload
        faults.append(f"{type(error).__name__}: {error}")
    return faults


for line in sys.stdin:
    print(json.dumps(check(json.loads(line))), flush=True)
