// The lines that the JavaScript driver says, and the questions that wait for an answer.
export class Lines {
  #asked = new Map();
  #questions = 0;

  say(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  // Refused: the promise fails with the SDK's own word for it.
  ask(question, Unauthorized) {
    this.#questions += 1;
    const ask = this.#questions;
    this.say({ ask, ...question });
    return new Promise((resolve, reject) =>
      this.#asked.set(ask, { resolve, reject: () => reject(new Unauthorized('refused')) }),
    );
  }

  answered({ answer, value, refuse }) {
    const { resolve, reject } = this.#asked.get(answer);
    this.#asked.delete(answer);
    if (refuse) reject();
    else resolve(value);
  }
}

export function infoOf(info, decode) {
  if (!info) return undefined;
  return { client: info.client, user: info.user, connInfo: decode(info.connInfo), chanInfo: decode(info.chanInfo) };
}
