// The values of a table: JSON with bare keys, and with words that stand for something: <name>, "…@word…", call(…) and `...`.
// parseValue reads one; fill makes plain JSON of it, to be sent; match holds it against what came.
import { createHmac } from 'node:crypto';
import { sign, nowSeconds } from '../../e2e/lib/token.mjs';

class Slot {
  constructor(name) {
    this.name = name;
  }
}
class Text {
  constructor(text) {
    this.text = text;
  }
}
class Call {
  constructor(name, args) {
    this.name = name;
    this.args = args;
  }
}
class Members {
  constructor(pairs, open) {
    this.pairs = pairs;
    this.open = open; // ends with `...`: further members may come
  }
}

// ---- reading ----

const SPACE = /\s*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$-]*/y;
const SLOT = /<([\w.-]+)>/y;

class Reader {
  constructor(text, at = 0) {
    this.text = text;
    this.at = at;
  }

  skip() {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  fail(wanted) {
    throw new Error(`${wanted} wanted at "${this.text.slice(this.at, this.at + 30)}"`);
  }

  take(pattern) {
    this.skip();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  sign(sign) {
    this.skip();
    if (!this.text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    return true;
  }

  // Items up to the closing sign, parted by commas.
  list(close, item) {
    while (!this.sign(close)) {
      item();
      if (this.sign(',')) continue;
      if (!this.sign(close)) this.fail(`"," or "${close}"`);
      return;
    }
  }

  value() {
    const string = this.take(STRING);
    if (string) return new Text(JSON.parse(string[0]));
    const number = this.take(NUMBER);
    if (number) return Number(number[0]);
    const slot = this.take(SLOT);
    if (slot) return new Slot(slot[1]);
    if (this.sign('{')) return this.members();
    if (this.sign('[')) {
      const items = [];
      this.list(']', () => items.push(this.value()));
      return items;
    }
    const word = this.take(WORD)?.[0];
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (word && this.sign('(')) {
      const args = [];
      this.list(')', () => args.push(this.value()));
      return new Call(word, args);
    }
    return this.fail('a value');
  }

  members() {
    const pairs = [];
    let open = false;
    this.list('}', () => {
      if (this.sign('...')) {
        open = true;
        return;
      }
      const string = this.take(STRING);
      const slot = string ? null : this.take(SLOT);
      const key = string ? new Text(JSON.parse(string[0])) : slot ? new Slot(slot[1]) : this.take(WORD)?.[0];
      if (key === undefined) this.fail('a key');
      if (!this.sign(':')) this.fail('":"');
      pairs.push([key, this.value()]);
    });
    return new Members(pairs, open);
  }
}

// The value at the front of the text and what is behind it.
export function parseValue(text) {
  const reader = new Reader(text);
  const value = reader.value();
  reader.skip();
  return { value, rest: text.slice(reader.at) };
}

// Are all brackets of the text closed? Decides whether a line goes on.
export function isWhole(text) {
  let depth = 0;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\](){}]/g)) {
    if (part.length > 1 || part === '"') continue;
    depth += '[({'.includes(part) ? 1 : -1;
  }
  return depth <= 0;
}

// The names of slots in a value.
export function slotsIn(value, found = new Set()) {
  if (value instanceof Slot) found.add(value.name);
  else if (value instanceof Text) for (const [, name] of value.text.matchAll(/<([\w.-]+)>/g)) found.add(name);
  else if (value instanceof Call) value.args.forEach((arg) => slotsIn(arg, found));
  else if (value instanceof Members) value.pairs.flat().forEach((part) => slotsIn(part, found));
  else if (Array.isArray(value)) value.forEach((item) => slotsIn(item, found));
  return found;
}

// ---- the names of one run ----

// What slots stand for, and words no other run uses.
export class Names {
  slots = new Map();

  constructor(serial, secret) {
    this.serial = serial;
    this.secret = secret;
  }

  fresh(word) {
    return `${word}-${this.serial}`;
  }

  text(text) {
    return text
      .replace(/@(@|[A-Za-z]\w*)/g, (_, word) => (word === '@' ? '@' : this.fresh(word)))
      .replace(/<([\w.-]+)>/g, (all, name) => (this.slots.has(name) ? String(this.slots.get(name)) : all));
  }
}

// A token whose header is given whole; HS256, whatever it says.
function signParts(header, claims, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part(header)}.${part(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

const calls = {
  token: (names, claims, { secret = names.secret, alg = 'HS256' } = {}) => sign(claims, secret, alg),
  jws: (names, header, claims) => signParts(header, claims, names.secret),
  now: (names, more = 0) => nowSeconds() + more,
  repeat: (names, text, times) => text.repeat(times),
  base64: (names, text) => Buffer.from(text).toString('base64'),
  json: (names, value) => JSON.stringify(value),
};

// Plain JSON.
export function fill(value, names) {
  if (value instanceof Slot) {
    if (!names.slots.has(value.name)) throw new Error(`nothing has given <${value.name}> a value yet`);
    return names.slots.get(value.name);
  }
  if (value instanceof Text) return names.text(value.text);
  if (value instanceof Call) {
    if (!calls[value.name]) throw new Error(`there is no ${value.name}(): only ${Object.keys(calls).join(', ')}`);
    return calls[value.name](names, ...value.args.map((arg) => fill(arg, names)));
  }
  if (value instanceof Members) {
    return Object.fromEntries(value.pairs.map(([key, one]) => [fillKey(key, names), fill(one, names)]));
  }
  return Array.isArray(value) ? value.map((item) => fill(item, names)) : value;
}

const fillKey = (key, names) => (typeof key === 'string' ? key : String(fill(key, names)));

// ---- holding against what came ----

const KINDS = {
  any: () => true,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string' && value !== '',
  uuid: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
};

const show = (value) => (value === undefined ? 'nothing' : JSON.stringify(value));

// null, or a sentence about the first thing that does not fit. Slots without a value take the one that came.
export function match(wanted, came, names, at = '') {
  const here = at || 'all of it';
  if (wanted instanceof Slot) return matchSlot(wanted.name, came, names, here);
  if (wanted instanceof Members) return matchMembers(wanted, came, names, at);
  if (Array.isArray(wanted)) {
    if (!Array.isArray(came)) return `${here} is ${show(came)}, not a list`;
    for (let i = 0; i < Math.max(wanted.length, came.length); i++) {
      const wrong = match(wanted[i], came[i], names, `${at}[${i}]`);
      if (wrong) return wrong;
    }
    return null;
  }
  const plain = wanted === undefined ? undefined : fill(wanted, names);
  return plain === came ? null : `${here} is ${show(came)}, not ${show(plain)}`;
}

function matchSlot(name, came, names, here) {
  if (came === undefined) return `${here} is missing`;
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(name);
  if (range) return came >= Number(range[1]) && came <= Number(range[2]) ? null : `${here} is ${show(came)}, not in ${name}`;
  if (KINDS[name]) return KINDS[name](came) ? null : `${here} is ${show(came)}, not of the kind <${name}>`;
  if (!names.slots.has(name)) names.slots.set(name, came);
  const known = names.slots.get(name);
  return known === came ? null : `${here} is ${show(came)}, not <${name}>, which is ${show(known)}`;
}

function matchMembers(wanted, came, names, at) {
  if (came === null || typeof came !== 'object' || Array.isArray(came)) return `${at || 'all of it'} is ${show(came)}, not an object`;
  const left = new Set(Object.keys(came));
  for (const [key, value] of wanted.pairs) {
    const name = fillKey(key, names);
    left.delete(name);
    const wrong = match(value, came[name], names, at ? `${at}.${name}` : name);
    if (wrong) return wrong;
  }
  if (wanted.open || left.size === 0) return null;
  const [more] = left;
  return `${at ? `${at}.` : ''}${more} came too: ${show(came[more])}`;
}

// A value as one whose members are all given, for what the runner itself makes.
export const wrap = (object) => new Members(Object.entries(object), false);
