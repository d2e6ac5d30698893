// Code to copy, with the reader's own host and channel in it.
export interface Place {
  ws: string;
  http: string;
  channel: string;
}

export interface Snippet {
  id: string;
  label: string;
  install?: string;
  code: (place: Place) => string;
}

const q = (text: string): string => JSON.stringify(text);

export const SNIPPETS: Snippet[] = [
  {
    id: 'js',
    label: 'JavaScript',
    install: 'npm install centrifuge',
    code: (p) => `import { Centrifuge } from 'centrifuge';

const client = new Centrifuge(${q(p.ws)}, {
  // Asked again whenever the token is about to expire.
  getToken: async () => (await (await fetch('/token', { method: 'POST' })).json()).token,
});

const sub = client.newSubscription(${q(p.channel)});
sub.on('publication', ({ data }) => console.log(data));
sub.subscribe();
client.connect();`,
  },
  {
    id: 'react',
    label: 'React',
    install: 'npm install centrifuge',
    code: (p) => `import { useEffect, useState } from 'react';
import { Centrifuge } from 'centrifuge';

interface Message { text: string }

export function Room() {
  const [messages, setMessages] = useState<Message[]>([]);

  useEffect(() => {
    const client = new Centrifuge(${q(p.ws)}, {
      getToken: async () => (await (await fetch('/token', { method: 'POST' })).json()).token,
    });
    const sub = client.newSubscription(${q(p.channel)});
    sub.on('publication', ({ data }) => setMessages((old) => [...old, data as Message]));
    sub.subscribe();
    client.connect();
    return () => client.disconnect();
  }, []);

  return <ul>{messages.map((message, i) => <li key={i}>{message.text}</li>)}</ul>;
}`,
  },
  {
    id: 'next',
    label: 'Next.js',
    install: 'npm install centrifuge',
    code: (p) => `// app/api/token/route.ts: the server key stays on the server.
export async function POST() {
  const userId = 'alice'; // from your own session
  const answer = await fetch(\`\${process.env.XSHATHRA_URL}/api/realtime/token\`, {
    method: 'POST',
    headers: {
      Authorization: \`apikey \${process.env.XSHATHRA_SERVER_API_KEY}\`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ userId }),
  });
  return Response.json(await answer.json(), { status: answer.status });
}

// app/room.tsx
'use client';
import { useEffect, useState } from 'react';
import { Centrifuge } from 'centrifuge';

export function Room() {
  const [texts, setTexts] = useState<string[]>([]);
  useEffect(() => {
    const client = new Centrifuge(process.env.NEXT_PUBLIC_XSHATHRA_REALTIME_URL!, {
      getToken: async () => (await (await fetch('/api/token', { method: 'POST' })).json()).token,
    });
    const sub = client.newSubscription(${q(p.channel)});
    sub.on('publication', ({ data }) => setTexts((old) => [...old, (data as { text: string }).text]));
    sub.subscribe();
    client.connect();
    return () => client.disconnect();
  }, []);
  return <ul>{texts.map((text, i) => <li key={i}>{text}</li>)}</ul>;
}`,
  },
  {
    id: 'curl',
    label: 'curl',
    code: (p) => `curl ${p.http}/api/realtime/token \\
  -H "Authorization: apikey $XSHATHRA_SERVER_API_KEY" \\
  --json '{"userId":"alice"}'

curl ${p.http}/api/realtime/publish \\
  -H "Authorization: apikey $XSHATHRA_SERVER_API_KEY" \\
  --json '{"channel":${q(p.channel)},"data":{"text":"hello"}}'`,
  },
  {
    id: 'go',
    label: 'Go',
    install: 'go get github.com/centrifugal/centrifuge-go',
    code: (p) => `package main

import (
	"log"

	"github.com/centrifugal/centrifuge-go"
)

func main() {
	client := centrifuge.NewJsonClient(${q(p.ws)}, centrifuge.Config{
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			return fetchToken() // asks your backend
		},
	})
	defer client.Close()

	sub, err := client.NewSubscription(${q(p.channel)})
	if err != nil {
		log.Fatal(err)
	}
	sub.OnPublication(func(e centrifuge.PublicationEvent) {
		log.Printf("%s", e.Data)
	})
	if err := sub.Subscribe(); err != nil {
		log.Fatal(err)
	}
	if err := client.Connect(); err != nil {
		log.Fatal(err)
	}
	select {}
}`,
  },
  {
    id: 'python',
    label: 'Python',
    install: 'pip install centrifuge-python',
    code: (p) => `import asyncio
from centrifuge import Client, SubscriptionEventHandler

class Handler(SubscriptionEventHandler):
    async def on_publication(self, ctx):
        print(ctx.pub.data)

async def get_token() -> str:
    return await fetch_token()  # asks your backend

async def main():
    client = Client(${q(p.ws)}, get_token=get_token)
    sub = client.new_subscription(${q(p.channel)}, Handler())
    await client.connect()
    await sub.subscribe()
    await asyncio.Event().wait()

asyncio.run(main())`,
  },
  {
    id: 'dart',
    label: 'Dart',
    install: 'dart pub add centrifuge',
    code: (p) => `import 'dart:convert';
import 'package:centrifuge/centrifuge.dart' as centrifuge;

Future<void> main() async {
  final client = centrifuge.createClient(
    ${q(p.ws)},
    centrifuge.ClientConfig(getToken: (event) => fetchToken()), // asks your backend
  );
  final sub = client.newSubscription(${q(p.channel)});
  sub.publication.listen((event) => print(utf8.decode(event.data)));
  await sub.subscribe();
  await client.connect();
}`,
  },
  {
    id: 'swift',
    label: 'Swift',
    install: 'https://github.com/centrifugal/centrifuge-swift',
    code: (p) => `import SwiftCentrifuge

final class Tokens: CentrifugeConnectionTokenGetter {
    func getConnectionToken(
        _ event: CentrifugeConnectionTokenEvent,
        completion: @escaping (Result<String, Error>) -> Void
    ) {
        fetchToken(completion) // asks your backend
    }
}

final class Room: CentrifugeSubscriptionDelegate {
    func onPublication(_ sub: CentrifugeSubscription, _ event: CentrifugePublicationEvent) {
        print(String(decoding: event.data, as: UTF8.self))
    }
}

let room = Room()
let client = CentrifugeClient(
    endpoint: ${q(p.ws)},
    config: CentrifugeClientConfig(tokenGetter: Tokens()),
    delegate: nil
)
let sub = try client.newSubscription(channel: ${q(p.channel)}, delegate: room)
sub.subscribe()
client.connect()`,
  },
  {
    id: 'java',
    label: 'Java',
    install: "implementation 'io.github.centrifugal:centrifuge-java:+'",
    code: (p) => `import io.github.centrifugal.centrifuge.*;
import java.nio.charset.StandardCharsets;

Options options = new Options();
options.setTokenGetter(new ConnectionTokenGetter() {
    @Override
    public void getConnectionToken(ConnectionTokenEvent event, TokenCallback callback) {
        callback.Done(null, fetchToken()); // asks your backend
    }
});

Client client = new Client(${q(p.ws)}, options, new EventListener() {});
Subscription sub = client.newSubscription(${q(p.channel)}, new SubscriptionEventListener() {
    @Override
    public void onPublication(Subscription sub, PublicationEvent event) {
        System.out.println(new String(event.getData(), StandardCharsets.UTF_8));
    }
});
sub.subscribe();
client.connect();`,
  },
  {
    id: 'php',
    label: 'PHP',
    code: (p) => `<?php
// A backend in PHP mints tokens and publishes; browsers connect.
function xshathra(string $endpoint, array $body): array
{
    $request = curl_init(${q(p.http)} . '/api/realtime/' . $endpoint);
    curl_setopt_array($request, [
        CURLOPT_POST => true,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_HTTPHEADER => [
            'Authorization: apikey ' . getenv('XSHATHRA_SERVER_API_KEY'),
            'Content-Type: application/json',
        ],
        CURLOPT_POSTFIELDS => json_encode($body),
    ]);
    $answer = json_decode(curl_exec($request), true);
    curl_close($request);
    return $answer;
}

$token = xshathra('token', ['userId' => 'alice'])['token'];
xshathra('publish', ['channel' => ${q(p.channel)}, 'data' => ['text' => 'hello']]);`,
  },
];
