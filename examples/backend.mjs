// The smallest backend: it serves chat.html, and mints a token for whoever opens the page. Node 18 or newer, no packages.
//
//   SERVER_KEY=sk_… node backend.mjs            then open http://localhost:8080
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

const key = process.env.SERVER_KEY;
const xshathra = process.env.XSHATHRA_URL ?? 'http://127.0.0.1:3001';
const port = Number(process.env.PORT ?? 8080);
const files = {
  '/': ['chat.html', 'text/html; charset=utf-8'],
  '/node_modules/centrifuge/dist/centrifuge.js': ['node_modules/centrifuge/dist/centrifuge.js', 'text/javascript'],
};

let guests = 0;

// Your application knows who is asking, by its own session; here everybody is a new guest.
async function mintToken() {
  const userId = `guest-${(guests += 1)}`;
  const answer = await fetch(`${xshathra}/api/realtime/token`, {
    method: 'POST',
    headers: { Authorization: `apikey ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ userId, info: { name: userId } }),
  });
  return [answer.status, await answer.text(), 'application/json'];
}

async function serveFile(path) {
  if (!files[path]) return [404, 'not found\n', 'text/plain'];
  const [name, type] = files[path];
  return [200, await readFile(new URL(name, import.meta.url)), type];
}

createServer(async (request, response) => {
  const mint = request.method === 'POST' && request.url === '/token';
  const answer = mint ? mintToken() : serveFile(request.url);
  const [status, body, type] = await answer.catch((error) => [502, `${error.message}\n`, 'text/plain']);
  response.writeHead(status, { 'Content-Type': type }).end(body);
}).listen(port, '127.0.0.1', () => console.log(`http://localhost:${port}`));

if (!key) console.error('SERVER_KEY is not set: the project\'s server_api_key, which ./dev run showed at its first start');
