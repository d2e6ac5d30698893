// examples/chat.html in the hands of a reader: its own script on as much of a browser as it uses, with the centrifuge
// library of npm in the place of the same file on the CDN.
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { createRequire } from 'node:module';
import { root } from './reader.mjs';
import { until } from '../e2e/lib/wait.mjs';

const WebSocket = createRequire(join(root, 'tests/e2e/package.json'))('ws');
const library = readFileSync(join(root, 'tests/e2e/node_modules/centrifuge/dist/centrifuge.js'));

class Element {
  children = [];
  listeners = {};
  textContent = '';
  value = '';
  disabled = false;

  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }

  append(...nodes) {
    this.children.push(...nodes);
  }

  prepend(node) {
    this.children.unshift(node);
  }

  submit() {
    this.listeners.submit({ preventDefault() {} });
  }

  get text() {
    return this.children.map((child) => child.text ?? child).join('') || this.textContent;
  }
}

// One tab with the page open.
export class ChatPage {
  elements = new Map();

  // html: as it was served; origin: from where.
  constructor(html, origin, serverPort) {
    for (const [, id] of html.matchAll(/id="(\w+)"/g)) this.elements.set(id, new Element());
    const [, url] = /id="url" value="([^"]+)"/.exec(html);
    this.element('url').value = url.replace('127.0.0.1:3001', `127.0.0.1:${serverPort}`);
    const sockets = class extends WebSocket {
      constructor(to, protocols) {
        super(to, protocols, { origin });
      }
    };
    const document = {
      getElementById: (id) => this.element(id),
      createElement: () => new Element(),
      write: () => assert.fail('the page looks for the library elsewhere, though it is there'),
    };
    const fetchHere = (path, options) => fetch(new URL(path, origin), options);
    const window = { document, WebSocket: sockets, fetch: fetchHere, setTimeout, clearTimeout, setInterval, clearInterval,
      console, TextEncoder, TextDecoder, URL, location: { origin } };
    window.window = window;
    window.globalThis = window;
    this.window = vm.createContext(window);
    vm.runInContext(library.toString(), window);
    for (const [, script] of html.matchAll(/<script>([\s\S]*?)<\/script>/g)) vm.runInContext(script, window);
  }

  // The browser would refuse another file than the one that the page names.
  static integrityIsRight(html) {
    const [, version, digest] = /centrifuge@([\d.]+)\/dist\/centrifuge\.js"[\s\S]*?integrity="sha384-([^"]+)"/.exec(html);
    const installed = JSON.parse(readFileSync(join(root, 'tests/e2e/node_modules/centrifuge/package.json'), 'utf8')).version;
    assert.equal(version, installed, 'the page and the tests use one version of the library');
    assert.equal(digest, createHash('sha384').update(library).digest('base64'));
  }

  element(id) {
    if (!this.elements.has(id)) throw new Error(`the page has no element "${id}"`);
    return this.elements.get(id);
  }

  tryToConnect(token) {
    this.element('token').value = token;
    this.element('connect').submit();
  }

  connect(token = '') {
    this.tryToConnect(token);
    return this.shows('connected', 'state');
  }

  say(text) {
    this.element('text').value = text;
    this.element('say').submit();
  }

  lines() {
    return this.element('log').children.map((line) => line.text);
  }

  // Waits until an element, or a line of the log, says this.
  shows(text, id = 'log') {
    const says = () => (id === 'log' ? this.lines().some((line) => line.includes(text)) : this.element(id).text === text);
    return until(says, `the page to show "${text}"; it shows ${JSON.stringify(this.lines())} and "${this.element('state').text}"`, 20_000);
  }

  disconnect() {
    vm.runInContext('client.disconnect()', this.window);
  }
}
