import{Centrifuge as e}from"./build-BULEpJKg.js";import{a as t,l as n,n as r,o as i,s as a,t as o,u as s}from"./jsxRuntime-Cwx8y7iz.js";import{A as c,B as l,C as u,K as d,L as f,M as p,P as m,R as h,W as g,Z as _,a as v,b as y,et as b,i as x,j as S,p as C,q as w,v as T}from"./index-CEp7npmA.js";import{r as E,t as D}from"./project_pages-Dw6dT29r.js";var O=e=>JSON.stringify(e),k=[{id:`js`,label:`JavaScript`,install:`npm install centrifuge`,code:e=>`import { Centrifuge } from 'centrifuge';

const client = new Centrifuge(${O(e.ws)}, {
  // Asked again whenever the token is about to expire.
  getToken: async () => (await (await fetch('/token', { method: 'POST' })).json()).token,
});

const sub = client.newSubscription(${O(e.channel)});
sub.on('publication', ({ data }) => console.log(data));
sub.subscribe();
client.connect();`},{id:`react`,label:`React`,install:`npm install centrifuge`,code:e=>`import { useEffect, useState } from 'react';
import { Centrifuge } from 'centrifuge';

interface Message { text: string }

export function Room() {
  const [messages, setMessages] = useState<Message[]>([]);

  useEffect(() => {
    const client = new Centrifuge(${O(e.ws)}, {
      getToken: async () => (await (await fetch('/token', { method: 'POST' })).json()).token,
    });
    const sub = client.newSubscription(${O(e.channel)});
    sub.on('publication', ({ data }) => setMessages((old) => [...old, data as Message]));
    sub.subscribe();
    client.connect();
    return () => client.disconnect();
  }, []);

  return <ul>{messages.map((message, i) => <li key={i}>{message.text}</li>)}</ul>;
}`},{id:`next`,label:`Next.js`,install:`npm install centrifuge`,code:e=>`// app/api/token/route.ts: the server key stays on the server.
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
    const sub = client.newSubscription(${O(e.channel)});
    sub.on('publication', ({ data }) => setTexts((old) => [...old, (data as { text: string }).text]));
    sub.subscribe();
    client.connect();
    return () => client.disconnect();
  }, []);
  return <ul>{texts.map((text, i) => <li key={i}>{text}</li>)}</ul>;
}`},{id:`curl`,label:`curl`,code:e=>`curl ${e.http}/api/realtime/token \\
  -H "Authorization: apikey $XSHATHRA_SERVER_API_KEY" \\
  --json '{"userId":"alice"}'

curl ${e.http}/api/realtime/publish \\
  -H "Authorization: apikey $XSHATHRA_SERVER_API_KEY" \\
  --json '{"channel":${O(e.channel)},"data":{"text":"hello"}}'`},{id:`go`,label:`Go`,install:`go get github.com/centrifugal/centrifuge-go`,code:e=>`package main

import (
	"log"

	"github.com/centrifugal/centrifuge-go"
)

func main() {
	client := centrifuge.NewJsonClient(${O(e.ws)}, centrifuge.Config{
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			return fetchToken() // asks your backend
		},
	})
	defer client.Close()

	sub, err := client.NewSubscription(${O(e.channel)})
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
}`},{id:`python`,label:`Python`,install:`pip install centrifuge-python`,code:e=>`import asyncio
from centrifuge import Client, SubscriptionEventHandler

class Handler(SubscriptionEventHandler):
    async def on_publication(self, ctx):
        print(ctx.pub.data)

async def get_token() -> str:
    return await fetch_token()  # asks your backend

async def main():
    client = Client(${O(e.ws)}, get_token=get_token)
    sub = client.new_subscription(${O(e.channel)}, Handler())
    await client.connect()
    await sub.subscribe()
    await asyncio.Event().wait()

asyncio.run(main())`},{id:`dart`,label:`Dart`,install:`dart pub add centrifuge`,code:e=>`import 'dart:convert';
import 'package:centrifuge/centrifuge.dart' as centrifuge;

Future<void> main() async {
  final client = centrifuge.createClient(
    ${O(e.ws)},
    centrifuge.ClientConfig(getToken: (event) => fetchToken()), // asks your backend
  );
  final sub = client.newSubscription(${O(e.channel)});
  sub.publication.listen((event) => print(utf8.decode(event.data)));
  await sub.subscribe();
  await client.connect();
}`},{id:`swift`,label:`Swift`,install:`https://github.com/centrifugal/centrifuge-swift`,code:e=>`import SwiftCentrifuge

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
    endpoint: ${O(e.ws)},
    config: CentrifugeClientConfig(tokenGetter: Tokens()),
    delegate: nil
)
let sub = try client.newSubscription(channel: ${O(e.channel)}, delegate: room)
sub.subscribe()
client.connect()`},{id:`java`,label:`Java`,install:`implementation 'io.github.centrifugal:centrifuge-java:+'`,code:e=>`import io.github.centrifugal.centrifuge.*;
import java.nio.charset.StandardCharsets;

Options options = new Options();
options.setTokenGetter(new ConnectionTokenGetter() {
    @Override
    public void getConnectionToken(ConnectionTokenEvent event, TokenCallback callback) {
        callback.Done(null, fetchToken()); // asks your backend
    }
});

Client client = new Client(${O(e.ws)}, options, new EventListener() {});
Subscription sub = client.newSubscription(${O(e.channel)}, new SubscriptionEventListener() {
    @Override
    public void onPublication(Subscription sub, PublicationEvent event) {
        System.out.println(new String(event.getData(), StandardCharsets.UTF_8));
    }
});
sub.subscribe();
client.connect();`},{id:`php`,label:`PHP`,code:e=>`<?php
// A backend in PHP mints tokens and publishes; browsers connect.
function xshathra(string $endpoint, array $body): array
{
    $request = curl_init(${O(e.http)} . '/api/realtime/' . $endpoint);
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
xshathra('publish', ['channel' => ${O(e.channel)}, 'data' => ['text' => 'hello']]);`}],ee=class{onFrame;cut=!1;serial=0;wires=new Set;constructor(e){this.onFrame=e}tell(e,t){this.onFrame({id:++this.serial,atMs:Date.now(),way:e,text:t})}cutNow(){this.cut=!0,this.tell(`wire`,`the wire is cut`);for(let e of this.wires)e.drop()}mend(){this.cut=!1,this.tell(`wire`,`the wire is whole again`)}add(e){this.wires.add(e)}remove(e){this.wires.delete(e)}get constructorOfWires(){let e=this;return class{constructor(t,n){return new j(e,t,n)}}}},A=1006,j=class{line;onopen=null;onerror=null;onclose=null;onmessage=null;inner;ended=!1;constructor(e,t,n){if(this.line=e,e.add(this),e.cut){setTimeout(()=>this.drop());return}let r=new WebSocket(t,n);this.inner=r,r.onopen=n=>{e.tell(`wire`,`open: ${t}`),this.onopen?.(n)},r.onerror=e=>this.onerror?.(e),r.onclose=t=>{this.ended||e.tell(`wire`,`closed: ${t.code}${t.reason?` ${t.reason}`:``}`),this.end({code:t.code,reason:t.reason})},r.onmessage=t=>{this.ended||(e.tell(`in`,typeof t.data==`string`?t.data:`${t.data.byteLength} bytes`),this.onmessage?.(t))}}get readyState(){return this.ended?WebSocket.CLOSED:this.inner?.readyState??WebSocket.CONNECTING}get binaryType(){return this.inner?.binaryType??`blob`}set binaryType(e){this.inner&&(this.inner.binaryType=e)}send(e){this.ended||(this.line.tell(`out`,e),this.inner?.send(e))}close(){this.inner?this.inner.close():this.end({code:1e3,reason:``})}drop(){this.ended||(this.end({code:A,reason:``}),this.inner?.close())}end(e){this.ended||(this.ended=!0,this.line.remove(this),this.onclose?.(e))}},M=300,N=300,P=600,F=0;async function I(e,t){let n=await _(`/projects/${b(e)}/realtime/token`,{userId:t,ttlSeconds:P});if(!n.token)throw new d(200,`no_token`,n.error?.message??`the server minted no token`);return n.token}function L({project:e}){let t=u(e.role,`developer`)&&!e.archived_at,[n,r]=a(`public:room_1`);return o(`div`,{class:`page`,children:[o(y,{title:`Playground`,tab:`Playground · ${e.name}`,children:`A client in this page, with a test token of the project. Open it in a second tab, and the two can talk.`}),t?o(R,{project:e.id,channel:n,setChannel:r}):o(l,{children:e.archived_at?`An archived project mints no tokens.`:`A test token needs the role developer: you are viewer of this project.`}),o(B,{channel:n})]})}function R(u){let{project:d,channel:m,setChannel:g}=u,[_,y]=a(()=>`tester-${Math.floor(Math.random()*900+100)}`),[b,x]=a(`disconnected`),[O,k]=a(),[A,j]=a(`{"text": "hello"}`),[P,L]=a(``),[R,B]=a([]),[V,H]=a([]),[U,W]=a(!1),G=t(void 0),K=t(void 0),q=n(()=>new ee(e=>B(t=>[e,...t].slice(0,M))),[]),J=i(e=>{H(t=>[{id:++F,atMs:Date.now(),...e},...t].slice(0,N))},[]),Y=i((e,t=`none`)=>J({kind:`note`,text:e,tone:t}),[J]);r(()=>()=>G.current?.disconnect(),[]);let X=()=>{L(``),q.cut=!1,W(!1);let t=new e(v(),{name:`playground`,websocket:q.constructorOfWires,minReconnectDelay:300,maxReconnectDelay:1500,getToken:()=>I(d,_)});G.current=t,t.on(`connected`,e=>{x(`connected`),Y(`connected as ${_}, client ${e.client}`,`good`)}),t.on(`connecting`,e=>{x(`connecting`),e.code!==0&&Y(`connection lost (${e.code} ${e.reason}), trying again`,`warn`)}),t.on(`disconnected`,e=>{x(`disconnected`),Y(`disconnected (${e.code} ${e.reason})`,e.code===0?`none`:`bad`)}),t.on(`error`,e=>{q.cut||L(e.error.message)}),t.connect()},te=()=>{if(!G.current)return;L(``),K.current&&(K.current.removeAllListeners(),G.current.removeSubscription(K.current));let e=m.trim(),t=G.current.getSubscription(e)??G.current.newSubscription(e);K.current=t,t.on(`subscribed`,t=>{k(e),t.wasRecovering&&t.recovered?Y(`${e}: back, and nothing was missed`,`good`):t.wasRecovering?Y(`${e}: back, but what was missed could not be recovered`,`bad`):Y(`subscribed to ${e}${t.recoverable?`: missed messages are recovered`:``}`,`good`)}),t.on(`unsubscribed`,e=>{k(void 0),Y(`unsubscribed (${e.code} ${e.reason})`,e.code===0?`none`:`bad`)}),t.on(`publication`,e=>J({kind:`message`,data:e.data,offset:e.offset,text:e.info?.user})),t.on(`join`,e=>J({kind:`join`,text:e.info.user})),t.on(`leave`,e=>J({kind:`leave`,text:e.info.user})),t.on(`error`,e=>L(e.error.message)),t.subscribe()},Z=async e=>{L(``);let t;try{t=JSON.parse(A)}catch(e){L(`This is not JSON: ${e.message}`);return}try{if(e===`client`)await G.current?.publish(m.trim(),t);else{let e=await E(d,`publish`,{channel:m.trim(),data:t});q.cut&&Y(`published on the server${e.offset?` at offset ${e.offset}`:``}, while this client is away`)}}catch(e){let t=e;L(t.code===103?`Clients may not publish in this namespace: publish as a backend does, or allow it in the settings.`:t.message??w(e).message)}},Q=async e=>{if(K.current){L(``);try{if(e===`presence`){let{clients:e}=await K.current.presence(),t=Object.values(e).map(e=>e.user);Y(`present: ${t.length===0?`nobody`:t.join(`, `)}`)}else{let{publications:e}=await K.current.history({limit:10,reverse:!0});Y(`the last ${C(e.length)} of its history:`);for(let t of e.reverse())J({kind:`message`,data:t.data,offset:t.offset,text:`history`})}}catch(t){L(`${e}: ${t.message}`)}}},ne=()=>{U?q.mend():q.cutNow(),W(!U)},re={connected:`good`,connecting:`warn`,disconnected:`none`},$=b===`connected`&&O!==void 0;return o(s,{children:[o(`div`,{class:`grid-2`,children:[o(`section`,{class:`card`,children:[o(`header`,{children:[o(`h2`,{children:`Client`}),o(S,{tone:U?`bad`:re[b],children:U?`wire cut`:b})]}),o(`div`,{class:`card-body`,children:[o(`form`,{class:`toolbar`,onSubmit:e=>{e.preventDefault(),b===`disconnected`?X():G.current?.disconnect()},children:[o(h,{label:`As user`,value:_,onInput:y,disabled:b!==`disconnected`,required:!0}),o(p,{type:`submit`,kind:b===`disconnected`?`primary`:`plain`,children:b===`disconnected`?`Connect`:`Disconnect`})]}),o(`form`,{class:`toolbar`,onSubmit:e=>{e.preventDefault(),O===m.trim()?K.current?.unsubscribe():te()},children:[o(h,{label:`Channel`,value:m,onInput:g,mono:!0,required:!0}),o(p,{type:`submit`,disabled:b===`disconnected`,kind:b===`connected`&&!O?`primary`:`plain`,children:O===m.trim()?`Unsubscribe`:`Subscribe`})]}),o(c,{label:`Message (JSON)`,value:A,onInput:j,rows:3}),o(`div`,{class:`actions start`,children:[o(p,{kind:$?`primary`:`plain`,onClick:()=>void Z(`server`),children:`Publish as a backend`}),o(p,{disabled:b!==`connected`,onClick:()=>void Z(`client`),children:`Publish as this client`})]}),o(`div`,{class:`actions start`,children:[o(p,{icon:`cut`,disabled:!U&&b!==`connected`,pressed:U,onClick:ne,children:U?`Mend the wire`:`Cut the wire`}),o(p,{disabled:!$,onClick:()=>void Q(`presence`),children:`Presence`}),o(p,{disabled:!$,onClick:()=>void Q(`history`),children:`History`})]}),U&&o(`p`,{class:`help`,children:`Publish as a backend now, then mend the wire: what was missed comes after all.`}),P&&o(l,{tone:`bad`,children:P})]})]}),o(`section`,{class:`card`,children:[o(`header`,{children:[o(`h2`,{children:`Messages`}),o(p,{small:!0,kind:`quiet`,disabled:V.length===0,onClick:()=>H([]),children:`Clear`})]}),V.length===0?o(f,{icon:`play`,title:`Connect, subscribe, publish`,children:o(`p`,{children:`Three buttons on the left; what arrives is listed here.`})}):o(`ol`,{class:`log frames messages`,tabIndex:0,"aria-label":`Messages`,children:V.map(e=>o(`li`,{children:[o(`time`,{dateTime:new Date(e.atMs).toISOString(),children:T(e.atMs)}),o(`span`,{children:e.kind===`message`?o(`span`,{class:`muted`,children:e.offset?`#${e.offset}`:``}):e.kind!==`note`&&o(S,{children:e.kind})}),o(`span`,{class:`what`,children:e.kind===`message`?o(`span`,{class:`json-view`,children:[o(D,{value:e.data,depth:1}),e.text&&o(`span`,{class:`muted`,children:[` from `,e.text]})]}):e.tone&&e.tone!==`none`?o(S,{tone:e.tone,children:o(`span`,{class:`wrap`,children:e.text})}):e.text})]},e.id))})]})]}),o(`section`,{class:`card`,children:[o(`header`,{children:[o(`h2`,{children:`Frames`}),o(p,{small:!0,kind:`quiet`,disabled:R.length===0,onClick:()=>B([]),children:`Clear`}),o(`p`,{children:`What really goes over the WebSocket, newest first.`})]}),R.length===0?o(f,{icon:`stream`,title:`Nothing yet`}):o(`ol`,{class:`log frames short`,tabIndex:0,"aria-label":`Frames`,children:R.map(e=>o(`li`,{children:[o(`time`,{dateTime:new Date(e.atMs).toISOString(),children:T(e.atMs)}),o(`span`,{children:o(S,{tone:e.way===`in`?`good`:e.way===`out`?`info`:`warn`,children:e.way})}),o(`span`,{class:`what`,children:z(e.text)})]},e.id))})]})]})}var z=e=>e.replaceAll(/"token":"([^"]{12})[^"]*"/g,`"token":"$1…"`);function B({channel:e}){let[t,n]=a(`js`),r=k.find(e=>e.id===t)??k[0],i={ws:v(),http:x(),channel:e.trim()||`public:room_1`};return o(`section`,{class:`card`,children:[o(`header`,{children:o(`h2`,{children:`The same in your code`})}),o(`div`,{class:`card-body`,children:[o(g,{label:`Language`,value:t,options:k.map(e=>({value:e.id,label:e.label})),onChange:n}),r?.install&&o(m,{label:`How to install the client`,text:r.install}),r&&o(m,{label:`Example in ${r.label}`,text:r.code(i)})]})]})}export{L as PlaygroundPage};