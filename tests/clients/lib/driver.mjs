// One SDK's driver program and the clients that it holds. Each client's events are in order in its queue.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Queue, within } from '../../e2e/lib/wait.mjs';

const COMMAND_MS = 15_000;
const END_MS = 5_000;

export class Driver {
  #commands = 0;
  #waiting = new Map();
  #clients = new Map();

  // argv: the program and its arguments.
  static async start(sdk, argv) {
    const driver = new Driver();
    driver.sdk = sdk;
    driver.child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    driver.ended = new Promise((resolve) => driver.child.once('close', resolve));
    const hello = new Promise((resolve) => (driver.hello = resolve));
    createInterface({ input: driver.child.stdout }).on('line', (line) => driver.#hear(JSON.parse(line)));
    for (const event of ['error', 'close'])
      driver.child.once(event, (what) => driver.#fail(`the driver of ${sdk} ended (${what})`));
    driver.child.stdin.on('error', () => {});
    driver.about = await within(Promise.race([hello, driver.ended.then(() => undefined)]), `the driver of ${sdk}`);
    if (!driver.about) throw new Error(`the driver of ${sdk} did not start: ${argv.join(' ')}`);
    return driver;
  }

  #fail(why) {
    this.gone = new Error(why);
    for (const { reject } of this.#waiting.values()) reject(this.gone);
    for (const client of this.#clients.values()) client.events.fail(this.gone);
  }

  #hear(line) {
    if (process.env.XSH_CLIENTS_TRACE) console.log(`${this.sdk} < ${JSON.stringify(line)}`);
    if (line.hello) this.hello(line.hello);
    else if (line.event) this.#clients.get(line.client)?.events.push(line);
    else if (line.ask) this.#answer(line);
    else {
      const { resolve, reject } = this.#waiting.get(line.id);
      this.#waiting.delete(line.id);
      if (line.ok) resolve(line.ok);
      else reject(Object.assign(new Error(line.error.message), line.error));
    }
  }

  // The answer is what the scenario's function client.answers[what] makes; without one it is a refusal.
  async #answer(question) {
    const client = this.#clients.get(question.client);
    const make = client?.answers[question.for];
    client?.asked.push(question);
    this.#write(make ? { answer: question.ask, value: await make(question) } : { answer: question.ask, refuse: true });
  }

  #write(line) {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  // Answers what the driver has to say to it, or throws the SDK's error with its code.
  command(what) {
    if (this.gone) throw this.gone;
    this.#commands += 1;
    const id = this.#commands;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#write({ id, ...what });
    return within(answer, `the answer to ${what.do} of ${this.sdk}`, COMMAND_MS);
  }

  add(client) {
    this.#clients.set(client.name, client);
  }

  remove(client) {
    this.#clients.delete(client.name);
  }

  async stop() {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

let clients = 0;

// A client of a driver. answers: how the runner answers what the SDK asks.
export class DrivenClient {
  events = new Queue();
  asked = new Queue();

  constructor(driver, answers) {
    clients += 1;
    this.name = `c${clients}`;
    this.driver = driver;
    this.answers = answers;
    driver.add(this);
  }

  do(what, more = {}) {
    return this.driver.command({ do: what, client: this.name, ...more });
  }

  // The next event of that name, of that channel if one is given; what comes before it is passed over.
  event(name, channel) {
    const what = `the event "${name}"${channel ? ` of ${channel}` : ''}`;
    return this.events.takeWhere((event) => event.event === name && (!channel || event.channel === channel), what);
  }

  // Waits until the SDK has asked for it.
  question(what) {
    return this.asked.takeWhere((question) => question.for === what, `the question for a ${what}`);
  }

  // Drops what has been told so far.
  forget() {
    this.events.rest();
  }

  connect() {
    return this.do('connect');
  }

  async connected() {
    await this.connect();
    this.id = (await this.event('connected')).id;
    return this;
  }

  subscribe(channel, options) {
    return this.do('subscribe', { channel, options });
  }

  async subscribed(channel, options) {
    await this.subscribe(channel, options);
    return this.event('subscribed', channel);
  }

  async end() {
    if (!this.driver.gone) await this.do('end');
    this.driver.remove(this);
  }
}
