// The Protobuf form of the client protocol, to and from the objects of its JSON form. The schema is a table of our own, so
// that it is no copy of what the server is built from.

// TYPE, TYPE[] (repeated) or TYPE{} (map from strings); `json` is bytes that hold JSON, or come as {bytes: TEXT}; `!` behind a name: the JSON form
// has it even when it is zero.
const SCHEMA = {
  Command: {
    id: [1, 'uint32'], connect: [4, 'ConnectRequest'], subscribe: [5, 'SubscribeRequest'], unsubscribe: [6, 'ChannelRequest'],
    publish: [7, 'PublishRequest'], presence: [8, 'ChannelRequest'], presence_stats: [9, 'ChannelRequest'],
    history: [10, 'HistoryRequest'], ping: [11, 'Empty'], send: [12, 'Data'], rpc: [13, 'RpcRequest'],
    refresh: [14, 'RefreshRequest'], sub_refresh: [15, 'SubRefreshRequest'],
  },
  Reply: {
    id: [1, 'uint32'], error: [2, 'Error'], push: [4, 'Push'], connect: [5, 'ConnectResult'], subscribe: [6, 'SubscribeResult'],
    unsubscribe: [7, 'Empty'], publish: [8, 'Empty'], presence: [9, 'PresenceResult'],
    presence_stats: [10, 'PresenceStatsResult'], history: [11, 'HistoryResult'], ping: [12, 'Empty'], rpc: [13, 'Data'],
    refresh: [14, 'RefreshResult'], sub_refresh: [15, 'SubRefreshResult'],
  },
  Empty: {},
  Data: { data: [1, 'json'] },
  ChannelRequest: { channel: [1, 'string'] },
  Error: { code: [1, 'uint32'], message: [2, 'string'], temporary: [3, 'bool'] },
  Push: {
    id: [1, 'int64'], channel: [2, 'string'], pub: [4, 'Publication'], join: [5, 'Presence'], leave: [6, 'Presence'],
    unsubscribe: [7, 'Unsubscribe'], message: [8, 'Data'], subscribe: [9, 'Subscribe'], connect: [10, 'ConnectResult'],
    disconnect: [11, 'Disconnect'], refresh: [12, 'Refresh'],
  },
  ClientInfo: { 'user!': [1, 'string'], 'client!': [2, 'string'], conn_info: [3, 'json'], chan_info: [4, 'json'] },
  Publication: {
    data: [4, 'json'], info: [5, 'ClientInfo'], offset: [6, 'uint64'], tags: [7, 'string{}'], delta: [8, 'bool'],
    time: [9, 'int64'], channel: [10, 'string'], key: [11, 'string'], removed: [12, 'bool'], score: [13, 'sint64'],
    epoch: [14, 'string'], prev_data: [15, 'json'], version: [16, 'uint64'],
  },
  Presence: { info: [1, 'ClientInfo'] },
  Unsubscribe: { code: [2, 'uint32'], reason: [3, 'string'] },
  Subscribe: {
    recoverable: [1, 'bool'], epoch: [4, 'string'], offset: [5, 'uint64'], positioned: [6, 'bool'], data: [7, 'json'],
  },
  Disconnect: { code: [1, 'uint32'], reason: [2, 'string'], reconnect: [3, 'bool'] },
  Refresh: { expires: [1, 'bool'], ttl: [2, 'uint32'] },
  ConnectRequest: {
    token: [1, 'string'], data: [2, 'json'], subs: [3, 'SubscribeRequest{}'], name: [4, 'string'], version: [5, 'string'],
    headers: [6, 'string{}'], flag: [7, 'int64'],
  },
  ConnectResult: {
    client: [1, 'string'], version: [2, 'string'], expires: [3, 'bool'], ttl: [4, 'uint32'], data: [5, 'json'],
    subs: [6, 'SubscribeResult{}'], ping: [7, 'uint32'], pong: [8, 'bool'], session: [9, 'string'], node: [10, 'string'],
    time: [11, 'int64'],
  },
  RefreshRequest: { token: [1, 'string'] },
  RefreshResult: { client: [1, 'string'], version: [2, 'string'], expires: [3, 'bool'], ttl: [4, 'uint32'] },
  SubscribeRequest: {
    channel: [1, 'string'], token: [2, 'string'], recover: [3, 'bool'], epoch: [6, 'string'], offset: [7, 'uint64'],
    data: [8, 'json'], positioned: [9, 'bool'], recoverable: [10, 'bool'], join_leave: [11, 'bool'], delta: [12, 'string'],
    tf: [13, 'FilterNode'], flag: [14, 'int64'], type: [15, 'int32'], phase: [16, 'int32'], cursor: [17, 'string'],
    limit: [18, 'int32'], asc: [19, 'bool'],
  },
  SubscribeResult: {
    expires: [1, 'bool'], ttl: [2, 'uint32'], recoverable: [3, 'bool'], epoch: [6, 'string'],
    publications: [7, 'Publication[]'], recovered: [8, 'bool'], offset: [9, 'uint64'], positioned: [10, 'bool'],
    data: [11, 'json'], was_recovering: [12, 'bool'], delta: [13, 'bool'], id: [14, 'int64'], type: [15, 'int32'],
    phase: [16, 'int32'], cursor: [17, 'string'], state: [18, 'Publication[]'], publish_debounce: [19, 'uint32'],
  },
  FilterNode: {
    op: [1, 'string'], key: [2, 'string'], cmp: [3, 'string'], val: [4, 'string'], vals: [5, 'string[]'],
    nodes: [6, 'FilterNode[]'],
  },
  SubRefreshRequest: {
    channel: [1, 'string'], token: [2, 'string'], type: [3, 'int32'], track: [4, 'TrackBatch[]'], untrack: [5, 'string[]'],
  },
  SubRefreshResult: { expires: [1, 'bool'], ttl: [2, 'uint32'], items: [3, 'Publication[]'] },
  TrackBatch: { signature: [1, 'string'], items: [2, 'KeyedItem[]'] },
  KeyedItem: { key: [1, 'string'], version: [2, 'uint64'] },
  PublishRequest: { channel: [1, 'string'], data: [2, 'json'], type: [3, 'int32'], key: [4, 'string'], removed: [5, 'bool'] },
  PresenceResult: { 'presence!': [1, 'ClientInfo{}'] },
  PresenceStatsResult: { 'num_clients!': [1, 'uint32'], 'num_users!': [2, 'uint32'] },
  HistoryRequest: { channel: [1, 'string'], limit: [7, 'int32'], since: [8, 'StreamPosition'], reverse: [9, 'bool'] },
  StreamPosition: { offset: [1, 'uint64'], epoch: [2, 'string'] },
  HistoryResult: { 'publications!': [1, 'Publication[]'], 'epoch!': [2, 'string'], 'offset!': [3, 'uint64'] },
  RpcRequest: { data: [1, 'json'], method: [2, 'string'] },
};

const VARINT = 0;
const BYTES = 2;
const NUMBERS = new Set(['uint32', 'int32', 'int64', 'uint64', 'sint64', 'bool']);

const messages = new Map(
  Object.entries(SCHEMA).map(([name, fields]) => [
    name,
    Object.entries(fields).map(([key, [number, type]]) => ({
      name: key.replace('!', ''),
      always: key.endsWith('!'),
      number,
      type: type.replace(/\[\]|\{\}/, ''),
      list: type.endsWith('[]'),
      map: type.endsWith('{}'),
    })),
  ]),
);

// ---- writing ----

function varint(value) {
  const bytes = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

const lengthed = (bytes) => Buffer.concat([varint(bytes.length), bytes]);
const tagged = (number, wire, bytes) => Buffer.concat([varint((number << 3) | wire), bytes]);

function writeOne(number, type, value) {
  if (type === 'sint64') return tagged(number, VARINT, varint(value < 0 ? -2 * value - 1 : 2 * value));
  if (NUMBERS.has(type)) return tagged(number, VARINT, varint(value));
  if (type === 'string') return tagged(number, BYTES, lengthed(Buffer.from(value)));
  if (type === 'json') return tagged(number, BYTES, lengthed(Buffer.from(JSON.stringify(value))));
  return tagged(number, BYTES, lengthed(writeMessage(type, value)));
}

function writeField(field, value) {
  if (field.list) return Buffer.concat(value.map((item) => writeOne(field.number, field.type, item)));
  if (field.map) {
    const entries = Object.entries(value).map(([key, item]) =>
      tagged(field.number, BYTES, lengthed(Buffer.concat([writeOne(1, 'string', key), writeOne(2, field.type, item)]))),
    );
    return Buffer.concat(entries);
  }
  const zero = value === 0 || value === false || value === '';
  return zero && field.type !== 'json' ? Buffer.alloc(0) : writeOne(field.number, field.type, value);
}

function writeMessage(type, object) {
  const fields = messages.get(type);
  for (const name of Object.keys(object)) {
    if (!fields.some((field) => field.name === name)) throw new Error(`${type} has no "${name}": the scenario is "json only"`);
  }
  return Buffer.concat(
    fields.filter((field) => object[field.name] !== undefined).map((field) => writeField(field, object[field.name])),
  );
}

// Commands as the body of one binary frame.
export const encodeCommands = (commands) =>
  Buffer.concat(commands.map((command) => lengthed(writeMessage('Command', command))));

// ---- reading ----

function takeVarint(cursor) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    if (cursor.at >= cursor.bytes.length) throw new Error('a varint goes beyond its message');
    const byte = cursor.bytes[cursor.at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

function takeBytes(cursor) {
  const size = Number(takeVarint(cursor));
  if (cursor.at + size > cursor.bytes.length) throw new Error('a field goes beyond its message');
  cursor.at += size;
  return cursor.bytes.subarray(cursor.at - size, cursor.at);
}

function readOne(type, cursor) {
  if (NUMBERS.has(type)) {
    const value = takeVarint(cursor);
    if (type === 'bool') return value !== 0n;
    if (type === 'sint64') return Number(value & 1n ? -(value >> 1n) - 1n : value >> 1n);
    return Number(type.startsWith('u') ? value : BigInt.asIntN(64, value));
  }
  const bytes = takeBytes(cursor);
  if (type === 'string') return bytes.toString();
  if (type !== 'json') return readMessage(type, bytes);
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return { bytes: bytes.toString() };
  }
}

function readEntry(type, bytes) {
  const cursor = { bytes, at: 0 };
  const entry = ['', NUMBERS.has(type) ? 0 : type === 'string' ? '' : readMessage(type, Buffer.alloc(0))];
  while (cursor.at < bytes.length) {
    const number = Number(takeVarint(cursor)) >> 3;
    entry[number - 1] = readOne(number === 1 ? 'string' : type, cursor);
  }
  return entry;
}

const zeroOf = (field) => (field.list ? [] : field.map ? {} : NUMBERS.has(field.type) ? 0 : '');

function readMessage(type, bytes) {
  const fields = messages.get(type);
  const found = {};
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = Number(takeVarint(cursor));
    const field = fields.find((one) => one.number === tag >> 3);
    if (!field) throw new Error(`${type} has no field ${tag >> 3}`);
    if ((tag & 7) !== (!field.map && NUMBERS.has(field.type) ? VARINT : BYTES)) throw new Error(`${type}.${field.name} is of wire type ${tag & 7}`);
    if (field.map) {
      const [key, value] = readEntry(field.type, takeBytes(cursor));
      (found[field.name] ??= {})[key] = value;
    } else if (field.list) (found[field.name] ??= []).push(readOne(field.type, cursor));
    else found[field.name] = readOne(field.type, cursor);
  }
  for (const field of fields) if (field.always) found[field.name] ??= zeroOf(field);
  return Object.fromEntries(
    fields.filter((field) => found[field.name] !== undefined).map((field) => [field.name, found[field.name]]),
  );
}

// The replies in the body of one binary frame.
export function decodeReplies(bytes) {
  const cursor = { bytes, at: 0 };
  const replies = [];
  while (cursor.at < bytes.length) replies.push(readMessage('Reply', takeBytes(cursor)));
  return replies;
}
