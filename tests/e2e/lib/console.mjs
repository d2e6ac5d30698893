// A person (or a script) at the console's API: keeps the cookie and the CSRF token as a page would, and compares each
// answer with the OpenAPI document.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerFaults } from './openapi.mjs';

export const PASSWORD = 'correct horse battery';

export class Person {
  constructor(server) {
    this.server = server;
    this.base = `http://127.0.0.1:${server.port}/api/console`;
  }

  // {status, body, headers}; headers null leaves out what a page would send by itself.
  async call(method, path, body, headers = {}) {
    const sent = { 'content-type': 'application/json', origin: `http://127.0.0.1:${this.server.port}` };
    if (this.bearer) sent.authorization = `Bearer ${this.bearer}`;
    if (this.cookie) sent.cookie = `xshathra_session=${this.cookie}`;
    if (this.csrf) sent['x-xshathra-csrf'] = this.csrf;
    Object.assign(sent, headers);
    for (const name of Object.keys(sent)) if (sent[name] === null) delete sent[name];
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(this.base + path, { method, headers: sent, body: text, redirect: 'manual' });
    const [cookie] = answer.headers.getSetCookie();
    const value = /^xshathra_session=([^;]*)/.exec(cookie ?? '');
    if (value) this.cookie = value[1];
    const result = { status: answer.status, body: await answer.json(), headers: answer.headers, cookie };
    if (result.body.csrf) this.csrf = result.body.csrf;
    const faults = answerFaults(method, `/api/console${path}`, result.status, result.body);
    assert.deepEqual(faults, [], `${method} ${path} is not as in docs/openapi.json`);
    return result;
  }

  get(path, headers) {
    return this.call('GET', path, undefined, headers);
  }

  post(path, body = {}, headers = {}) {
    return this.call('POST', path, body, headers);
  }

  async must(method, path, body) {
    const answer = await this.call(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async signIn(email, password = PASSWORD) {
    this.cookie = this.csrf = undefined;
    return this.post('/login', { email, password });
  }

  // The owner of a fresh server, by the link that it shows.
  static async owner(server) {
    const owner = new Person(server);
    owner.email = 'olga@example.com';
    const [token] = /inv_[\w-]+/.exec(readFileSync(join(server.data, 'first-run.txt'), 'utf8'));
    await owner.must('POST', '/setup', { token, email: owner.email, name: 'Olga Owner', password: PASSWORD });
    return owner;
  }

  // Somebody new with this role in a project.
  async invite(project, role, email) {
    const { token } = await this.must('POST', `/projects/${project}/invites`, { role });
    const person = new Person(this.server);
    person.email = email;
    const joined = await person.must('POST', `/invites/${token}/accept`, { email, name: role, password: PASSWORD });
    person.id = joined.account.id;
    return person;
  }
}
