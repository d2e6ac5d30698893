"""Drives centrifuge-python as the README of tests/clients says."""

import asyncio
import importlib.metadata
import json
import sys

from centrifuge import (
    Client,
    ClientEventHandler,
    DeltaType,
    FilterNode,
    StreamPosition,
    SubscriptionEventHandler,
    UnauthorizedError,
)

LINE_BYTES_MAX = 16 << 20


def without_none(members):
    return {name: value for name, value in members.items() if value is not None}


def say(**line):
    sys.stdout.write(json.dumps(without_none(line)) + "\n")
    sys.stdout.flush()


class Questions:
    """What the SDK asked and the runner has not answered yet."""

    def __init__(self):
        self._count = 0
        self._waiting = {}

    async def ask(self, **question):
        self._count += 1
        answer = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = answer
        say(ask=self._count, **question)
        line = await answer
        if line.get("refuse"):
            raise UnauthorizedError("refused")
        return line.get("value")

    def answered(self, line):
        self._waiting.pop(line["answer"]).set_result(line)


questions = Questions()


class Driven:
    """A client by its name, with the way its encoding writes payloads."""

    def __init__(self, command):
        self.name = command["client"]
        self.protobuf = command["encoding"] == "protobuf"
        ask = (lambda: questions.ask(client=self.name, **{"for": "token"})) if command.get("getToken") else None
        self.client = Client(
            command["url"],
            events=ClientEvents(self),
            token=command.get("token") or "",
            get_token=ask,
            use_protobuf=self.protobuf,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.2,
            proxy=None,
        )

    def encode(self, data):
        return json.dumps(data).encode() if self.protobuf else data

    def decode(self, data):
        if not self.protobuf or data is None:
            return data
        return json.loads(data) if data else None

    def info(self, info):
        if info is None:
            return None
        members = {"client": info.client, "user": info.user}
        return without_none(
            {**members, "connInfo": self.decode(info.conn_info), "chanInfo": self.decode(info.chan_info)}
        )

    def publication(self, pub):
        return without_none(
            {
                "data": self.decode(pub.data),
                "offset": pub.offset or None,
                "tags": pub.tags or None,
                "info": self.info(pub.info),
            }
        )

    def subscribed(self, ctx):
        position = ctx.stream_position
        return {
            "recoverable": ctx.recoverable,
            "positioned": ctx.positioned,
            "wasRecovering": ctx.was_recovering,
            "recovered": ctx.recovered,
            "position": {"offset": position.offset, "epoch": position.epoch} if position else None,
            "data": self.decode(ctx.data),
        }

    def tell(self, event, **members):
        say(event=event, client=self.name, **members)

    def subscription(self, channel):
        return self.client.get_subscription(channel)

    def new_subscription(self, channel, options):
        def ask(what):
            return questions.ask(client=self.name, channel=channel, **{"for": what})

        async def get_token(_channel):
            return await ask("subscription token")

        async def get_state(_channel):
            position = await ask("state")
            return StreamPosition(position["offset"], position["epoch"])

        filter_ = options.get("tagsFilter")
        return self.client.new_subscription(
            channel,
            events=SubscriptionEvents(self, channel),
            token=options.get("token") or "",
            get_token=get_token if options.get("getToken") else None,
            get_state=get_state if options.get("getState") else None,
            positioned=options.get("positioned", False),
            recoverable=options.get("recoverable", False),
            join_leave=options.get("joinLeave", False),
            delta=DeltaType.FOSSIL if options.get("delta") else None,
            tags_filter=FilterNode(filter_) if filter_ else None,
            min_resubscribe_delay=0.02,
            max_resubscribe_delay=0.2,
        )


def error_of(error):
    """The server's code where the error has one."""
    cause = error
    while cause is not None and not hasattr(cause, "code"):
        cause = cause.__cause__
    return {"code": getattr(cause, "code", None), "message": str(error)}


class ClientEvents(ClientEventHandler):
    def __init__(self, driven):
        self.driven = driven

    async def on_connecting(self, ctx):
        self.driven.tell("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx):
        self.driven.tell("connected", id=ctx.client, data=self.driven.decode(ctx.data))

    async def on_disconnected(self, ctx):
        self.driven.tell("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        self.driven.tell("error", **error_of(ctx.error))

    async def on_subscribing(self, ctx):
        self.driven.tell("subscribing", channel=ctx.channel)

    async def on_subscribed(self, ctx):
        self.driven.tell("subscribed", channel=ctx.channel, **self.driven.subscribed(ctx))

    async def on_unsubscribed(self, ctx):
        self.driven.tell("unsubscribed", channel=ctx.channel)

    async def on_publication(self, ctx):
        self.driven.tell("publication", channel=ctx.channel, **self.driven.publication(ctx.pub))

    async def on_join(self, ctx):
        self.driven.tell("join", channel=ctx.channel, info=self.driven.info(ctx.info))

    async def on_leave(self, ctx):
        self.driven.tell("leave", channel=ctx.channel, info=self.driven.info(ctx.info))


class SubscriptionEvents(SubscriptionEventHandler):
    def __init__(self, driven, channel):
        self.driven = driven
        self.channel = channel

    def tell(self, event, **members):
        self.driven.tell(event, channel=self.channel, sub=True, **members)

    async def on_subscribing(self, ctx):
        self.tell("subscribing", code=ctx.code, reason=ctx.reason)

    async def on_subscribed(self, ctx):
        self.tell("subscribed", **self.driven.subscribed(ctx))

    async def on_unsubscribed(self, ctx):
        self.tell("unsubscribed", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        self.tell("error", **error_of(ctx.error))

    async def on_publication(self, ctx):
        self.tell("publication", **self.driven.publication(ctx.pub))

    async def on_join(self, ctx):
        self.tell("join", info=self.driven.info(ctx.info))

    async def on_leave(self, ctx):
        self.tell("leave", info=self.driven.info(ctx.info))


clients = {}


async def do_connect(c, _command):
    await c.client.connect()


async def do_disconnect(c, _command):
    await c.client.disconnect()


async def do_subscribe(c, command):
    channel = command["channel"]
    sub = c.subscription(channel) or c.new_subscription(channel, command.get("options") or {})
    await sub.subscribe()


async def do_unsubscribe(c, command):
    await c.subscription(command["channel"]).unsubscribe()


async def do_publish(c, command):
    await c.client.publish(command["channel"], c.encode(command["data"]))


async def do_history(c, command):
    since = command.get("since")
    got = await c.client.history(
        command["channel"],
        limit=command.get("limit", 0),
        since=StreamPosition(since["offset"], since["epoch"]) if since else None,
        reverse=command.get("reverse", False),
    )
    return {
        "publications": [c.publication(pub) for pub in got.publications],
        "offset": got.offset,
        "epoch": got.epoch,
    }


async def do_presence(c, command):
    got = await c.client.presence(command["channel"])
    return {"clients": {name: c.info(info) for name, info in got.clients.items()}}


async def do_presence_stats(c, command):
    got = await c.client.presence_stats(command["channel"])
    return {"numClients": got.num_clients, "numUsers": got.num_users}


async def do_rpc(c, command):
    got = await c.client.rpc(command["method"], c.encode(command["data"]))
    return without_none({"data": c.decode(got.data)})


async def do_end(c, _command):
    del clients[c.name]
    await c.client.disconnect()


async def obey(command):
    try:
        result = None
        if command["do"] == "new":
            clients[command["client"]] = Driven(command)
        else:
            result = await globals()["do_" + command["do"]](clients[command["client"]], command)
        say(id=command["id"], ok=result or {})
    except Exception as error:
        say(id=command["id"], error=without_none(error_of(error)))


async def main():
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(hello={"sdk": "centrifuge-python", "version": importlib.metadata.version("centrifuge-python")})
    running = set()
    while line := await reader.readline():
        said = json.loads(line)
        if "answer" in said:
            questions.answered(said)
            continue
        task = asyncio.create_task(obey(said))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
