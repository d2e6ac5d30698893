// Waiting for something with a limit. No test sleeps for luck: it waits for an event, and fails when the event is late.

export const LIMIT_MS = 10_000;

// The promise's value, or an error that names what was waited for.
export function within(promise, what, ms = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Calls ask() until it answers something true; for states that have no event of their own.
export async function until(ask, what, ms = LIMIT_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A queue between a producer of events and a test that takes them one by one.
export class Queue {
  #items = [];
  #takers = [];
  #error = null;

  push(item) {
    const taker = this.#takers.shift();
    if (taker) taker.resolve(item);
    else this.#items.push(item);
  }

  // Everything that waits now or later fails with this.
  fail(error) {
    this.#error = error;
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }

  get length() {
    return this.#items.length;
  }

  // The items that nobody has taken yet.
  rest() {
    return this.#items.splice(0);
  }

  take(what = 'an event', ms = LIMIT_MS) {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    if (this.#error) return Promise.reject(this.#error);
    let taker;
    const taken = new Promise((resolve, reject) => {
      taker = { resolve, reject };
      this.#takers.push(taker);
    });
    return within(taken, what, ms).catch((error) => {
      this.#takers = this.#takers.filter((other) => other !== taker);
      throw error;
    });
  }

  // Takes items until one passes, and answers that one.
  async takeWhere(test, what = 'a certain event', ms = LIMIT_MS) {
    const end = Date.now() + ms;
    for (;;) {
      const item = await this.take(what, Math.max(1, end - Date.now()));
      if (test(item)) return item;
    }
  }
}
