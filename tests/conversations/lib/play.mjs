// Plays one scenario on one server in one form, and keeps what was said. What does not fit ends it with a Mismatch.
import { Talker, texts } from './talker.mjs';
import { Names, fill, match, slotsIn, wrap } from './value.mjs';
import { sign } from '../../e2e/lib/token.mjs';
import { within } from '../../e2e/lib/wait.mjs';

export const ENCODINGS = ['json', 'protobuf'];
export const FEEDS = ['whole', 'split', 'fragments', 'merged'];

const POLL_MS = 20;

export class Mismatch extends Error {}

const show = (object) => JSON.stringify(object);

// The forms a scenario is played in.
export function formsOf(scenario) {
  const encodings = ENCODINGS.filter((one) => !scenario.flags.has(one === 'json' ? 'protobuf only' : 'json only'));
  const feeds = FEEDS.filter((feed) => {
    if (scenario.flags.has('whole only')) return feed === 'whole';
    return feed !== 'merged' || !scenario.flags.has('in turn');
  });
  return encodings.flatMap((encoding) => feeds.map((feed) => ({ encoding, feed, name: `${encoding} ${feed}` })));
}

// ---- merging ----

// May a later command of the same connection be sent ahead of this step?
const isReply = (step) => step.act === 'expect' && ['reply', 'error', 'connected'].includes(step.what);

const slotsOfStep = (step) => {
  const { user, claims, request } = step.login ?? {};
  return slotsIn([step.command ?? null, step.whole ?? null, user ?? null, claims ?? null, request ?? null]);
};

const slotsGiven = (step) =>
  step.what === 'connected' ? new Set([step.who]) : slotsIn([step.body ?? null, step.answer?.result ?? null, step.answer?.body ?? null]);

// Commands that follow one another on a connection, with nothing but replies to them between, become one step {batch}.
function mergeCommands(steps) {
  const merged = [];
  const left = steps.slice();
  while (left.length > 0) {
    const step = left.shift();
    if (step.act !== 'send') {
      merged.push(step);
      continue;
    }
    const batch = [step];
    const given = new Set();
    for (let at = 0; at < left.length; ) {
      const later = left[at];
      if (later.who !== step.who) break;
      if (later.act === 'send') {
        if ([...slotsOfStep(later)].some((name) => given.has(name))) break;
        batch.push(...left.splice(at, 1));
      } else if (isReply(later)) {
        for (const name of slotsGiven(later)) given.add(name);
        at += 1;
      } else break;
    }
    merged.push({ ...step, batch });
  }
  return merged;
}

// ---- playing ----

class Play {
  talkers = new Map();
  said = []; // {who, came} and {api, status, body}, in the order of the steps

  constructor(scenario, server, form, serial) {
    Object.assign(this, { scenario, server, form });
    this.names = new Names(serial, server.secret);
    this.ms = server.patience;
  }

  talker(step) {
    const talker = this.talkers.get(step.who);
    if (!talker) throw new Error(`${step.who} has not opened`);
    return talker;
  }

  fill(value) {
    return fill(value, this.names);
  }

  check(wrong, came) {
    if (wrong) throw new Mismatch(`${wrong}\n  came: ${show(came)}`);
  }

  // ---- connections ----

  async open(step) {
    const talker = new Talker(this.form);
    this.talkers.get(step.who)?.leave();
    this.talkers.set(step.who, talker);
    const headers = step.headers === undefined ? {} : this.fill(step.headers);
    const path = step.path === undefined ? undefined : this.fill(step.path);
    const handshake = await talker.open(this.server.port, { path, headers });
    this.said.push({ who: step.who, came: { handshake: handshake.status } });
    talker.status = handshake.status;
    const refused = this.scenario.steps.some((one) => one.act === 'refused' && one.who === step.who);
    if (handshake.status !== 101 && !refused) throw new Mismatch(`no WebSocket: status ${handshake.status}`);
  }

  refused(step) {
    const { status } = this.talker(step);
    if (status !== step.status) throw new Mismatch(`the status is ${status}, not ${step.status}`);
  }

  login({ user, claims, request }) {
    const named = user === undefined ? {} : { sub: this.fill(user) };
    const more = claims === undefined ? {} : this.fill(claims);
    const token = user === undefined && claims === undefined ? {} : { token: sign({ ...named, ...more }, this.server.secret) };
    return { ...token, ...(request === undefined ? {} : this.fill(request)) };
  }

  commands(step) {
    if (step.whole) return [this.fill(step.whole)];
    if (step.command === null) return [{}];
    const commands = [];
    for (let n = 1; n <= (step.times ?? 1); n++) {
      if (step.times) this.names.slots.set('n', n);
      commands.push({ [step.kind]: step.login ? this.login(step.login) : this.fill(step.command) });
    }
    return commands;
  }

  async send(step) {
    const talker = this.talker(step);
    const commands = (step.batch ?? [step]).flatMap((one) => this.commands(one)).map((one) => talker.number(one));
    if (this.form.feed === 'merged') await talker.send(commands);
    else for (const command of commands) await talker.send([command]);
  }

  raw(step) {
    const talker = this.talker(step);
    return talker.message(step.hex ? Buffer.from(this.fill(step.hex).replaceAll(' ', ''), 'hex') : this.fill(step.plain));
  }

  close(step) {
    return this.talker(step).closes(step.code, this.fill(step.reason));
  }

  leave(step) {
    this.talker(step).leave();
  }

  // The whole object that a step expects.
  wanted(step, id) {
    const temporary = step.temporary ? { temporary: true } : {};
    switch (step.what) {
      case 'ping':
        return wrap({});
      case 'end':
        return wrap({ end: true });
      case 'close':
        return wrap({ close: wrap({ code: step.code, reason: step.reason }) });
      case 'error':
        return wrap({ id, error: wrap({ code: step.code, message: step.message, ...temporary }) });
      case 'push':
        return wrap({ push: wrap({ ...(step.channel === undefined ? {} : { channel: step.channel }), [step.kind]: step.body }) });
      case 'object':
        return step.body;
      default:
        return wrap({ id, [step.kind]: step.body });
    }
  }

  async expect(step) {
    const talker = this.talker(step);
    const came = await talker.take({ pings: step.what === 'ping', ms: this.ms });
    this.said.push({ who: step.who, came });
    if (step.what === 'connected') {
      const id = talker.unanswered.shift();
      if (!came.connect || came.id !== id) throw new Mismatch(`no connect result came: ${show(came)}`);
      this.names.slots.set(step.who, came.connect.client);
    } else if (step.what === 'text') {
      const text = this.fill(step.exact);
      if (texts.get(came) !== text) throw new Mismatch(`the text is ${show(texts.get(came))}, not ${show(text)}`);
    } else {
      const answers = step.what === 'reply' || step.what === 'error';
      this.check(match(this.wanted(step, answers ? talker.unanswered.shift() : undefined), came, this.names), came);
    }
    if (came.connect) talker.connected = true;
  }

  // Steps next to each other that say `<*` of one connection: what comes fits them in any order.
  async expectInAnyOrder(steps) {
    const talker = this.talker(steps[0]);
    const open = steps.map((step) => ({
      step,
      wanted: this.wanted(step, step.what === 'reply' || step.what === 'error' ? talker.unanswered.shift() : undefined),
    }));
    const came = [];
    while (open.length > 0) {
      const object = await talker.take({ ms: this.ms });
      const at = open.findIndex(({ wanted }) => {
        const kept = new Map(this.names.slots);
        if (match(wanted, object, this.names) === null) return true;
        this.names.slots = kept;
        return false;
      });
      if (at < 0) throw new Mismatch(`none of the expectations fits\n  came: ${show(object)}`);
      came.push([steps.indexOf(open[at].step), object]);
      open.splice(at, 1);
    }
    came.sort(([one], [other]) => one - other);
    for (const [, object] of came) this.said.push({ who: steps[0].who, came: object });
  }

  // ---- HTTP ----

  async answerOf(step) {
    const raw = step.body === undefined ? (step.act === 'api' ? {} : undefined) : this.fill(step.body);
    const headers = step.headers === undefined ? {} : this.fill(step.headers);
    const key = step.act === 'api' ? { 'X-API-Key': this.server.apiKey } : {};
    const [verb, path] = step.act === 'api' ? ['POST', `/api/${step.method}`] : [step.verb, this.names.text(step.path)];
    return within(this.server.request(verb, path, raw, { ...key, ...headers }), 'an answer over HTTP', this.ms);
  }

  wrongAnswer(step, answer) {
    const { status, body, result, error } = step.answer ?? { status: 200 };
    if (answer.status !== status) return `the status is ${answer.status}, not ${status}`;
    if (error) return match(wrap({ error: wrap(error) }), answer.body, this.names);
    if (result !== undefined) return match(wrap({ result }), answer.body, this.names);
    if (body !== undefined) return match(body, answer.body, this.names);
    return step.act === 'api' && !step.answer && answer.body?.result === undefined ? 'there is no result' : null;
  }

  async http(step) {
    const end = Date.now() + this.ms;
    for (let n = 1; n <= (step.times ?? 1); ) {
      if (step.times) this.names.slots.set('n', n);
      const answer = await this.answerOf(step);
      const kept = new Map(this.names.slots);
      const wrong = this.wrongAnswer(step, answer);
      if (wrong && step.until && Date.now() < end) {
        this.names.slots = kept;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        continue;
      }
      this.said.push({ api: step.method ?? `${step.verb} ${step.path}`, ...answer });
      this.check(wrong, answer);
      n += 1;
    }
  }

  wait(step) {
    return new Promise((resolve) => setTimeout(resolve, step.seconds * 1000));
  }

  // ---- all of it ----

  // Nothing more may have come: a last command on each connection is answered, and by that answer alone.
  async settle() {
    for (const [who, talker] of this.talkers) {
      if (talker.over || !talker.connected) continue;
      const command = talker.number({ unsubscribe: { channel: 'settled' } });
      await talker.send([command]);
      const came = await talker.take({ ms: this.ms });
      if (came.id === command.id && came.unsubscribe) continue;
      this.said.push({ who, came });
      throw new Mismatch(`nobody expected what came last at ${who}\n  came: ${show(came)}`);
    }
  }

  async run() {
    const steps = this.form.feed === 'merged' ? mergeCommands(this.scenario.steps) : this.scenario.steps;
    try {
      for (let at = 0; at < steps.length; at++) {
        this.step = steps[at];
        const group = [this.step];
        if (this.step.anyOrder) while (steps[at + 1]?.anyOrder && steps[at + 1].who === this.step.who) group.push(steps[++at]);
        if (this.step.anyOrder) await this.expectInAnyOrder(group);
        else await this[this.step.act === 'api' ? 'http' : this.step.act](this.step);
      }
      this.step = null;
      if (!this.scenario.flags.has('unsettled')) await this.settle();
    } finally {
      for (const talker of this.talkers.values()) talker.leave();
    }
  }
}

// Answers {said, names} or {said, names, wrong}: a text about what did not fit.
export async function play(scenario, server, form, serial) {
  const one = new Play(scenario, server, form, serial);
  try {
    await one.run();
    return { said: one.said, names: one.names };
  } catch (error) {
    const where = one.step ? `${scenario.file}:${one.step.number}: ${one.step.text}` : `${scenario.file}:${scenario.line}: at the end`;
    const text = error instanceof Mismatch ? error.message : error.message.startsWith('waited') ? error.message : error.stack;
    return { said: one.said, names: one.names, wrong: `${where}\n  ${text}` };
  }
}
