// What two servers said in the same conversation, held against each other. What each makes up by itself is masked: ids and
// epochs must be the same ones at the same places, times and names of nodes may differ.
import { existsSync, readFileSync } from 'node:fs';

// Made up by a server: one of ours stands for one of theirs, wherever it comes again.
const OWN_IDS = new Set(['client', 'epoch', 'uid', 'session', 'node']);
const UNCOMPARED = new Set(['version', 'time', 'uptime', 'metrics', 'process', 'name']);
// Objects whose keys are data, in no order.
const MAPS = new Set(['presence', 'subs', 'tags', 'channels']);
const TTL_SECONDS = 5;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const show = (value) => (value === undefined ? 'nothing' : JSON.stringify(value));

class Comparison {
  #pairs = new Map(); // ours -> theirs
  found = [];

  differ(at, ours, theirs) {
    this.found.push(`${at}: ours ${show(ours)}, theirs ${show(theirs)}`);
  }

  sameId(ours, theirs) {
    if (!this.#pairs.has(ours)) this.#pairs.set(ours, theirs);
    return this.#pairs.get(ours) === theirs;
  }

  // Our keys in the words of theirs, in order.
  keys(object) {
    return Object.keys(object).map((key) => [this.#pairs.get(key) ?? key, object[key]]);
  }

  objects(ours, theirs, at, key) {
    let left = this.keys(ours);
    let right = Object.entries(theirs);
    if (MAPS.has(key)) {
      const byKey = ([one], [other]) => (one < other ? -1 : 1);
      left = left.sort(byKey);
      right = right.sort(byKey);
    }
    const names = (pairs) => pairs.map(([name]) => name).join(', ');
    if (names(left) !== names(right)) {
      this.differ(`${at} has members`, names(left), names(right));
      return;
    }
    left.forEach(([name, value], i) => this.values(value, right[i][1], `${at}.${name}`, name));
  }

  values(ours, theirs, at, key) {
    if (UNCOMPARED.has(key) && typeof ours === typeof theirs) return;
    if (isObject(ours) && isObject(theirs)) this.objects(ours, theirs, at, key);
    else if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length)
      ours.forEach((item, i) => this.values(item, theirs[i], `${at}[${i}]`, key));
    else if (key === 'ttl' && Math.abs(ours - theirs) <= TTL_SECONDS) return;
    else if (typeof ours === 'string' && typeof theirs === 'string' && (OWN_IDS.has(key) || (UUID.test(ours) && UUID.test(theirs)))) {
      if (!this.sameId(ours, theirs)) this.differ(`${at}, an id that came before`, ours, theirs);
    } else if (ours !== theirs) this.differ(at, ours, theirs);
  }
}

// Sentences about what differs between two runs of one conversation.
export function differences(ours, theirs) {
  const comparison = new Comparison();
  const count = Math.max(ours.length, theirs.length);
  for (let i = 0; i < count; i++) {
    const [one, other] = [ours[i], theirs[i]];
    const where = one?.who ?? one?.api ?? other?.who ?? other?.api;
    if (!one || !other) comparison.differ(where, one, other);
    else if (one.who) comparison.values(one.came, other.came, where);
    else {
      comparison.values(one.status, other.status, `${where} status`);
      comparison.values(one.type, other.type, `${where} content type`);
      comparison.values(one.body, other.body, where);
    }
  }
  return comparison.found;
}

// The differences that are meant: lines "FILE: SCENARIO | ROW of docs/compatibility.md | REASON". Answers a map by
// "FILE: SCENARIO".
export function readDocumented(path) {
  const documented = new Map();
  if (!existsSync(path)) return documented;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [scenario, row, reason] = line.split('|').map((part) => part.trim());
    if (!reason) throw new Error(`${path}: "${line}" has no row and reason`);
    documented.set(scenario, { row, reason });
  }
  return documented;
}
