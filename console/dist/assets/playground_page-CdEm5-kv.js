import{Centrifuge as e}from"./build-BULEpJKg.js";import{a as t,c as n,i as r,l as i,n as a,o,t as s}from"./jsxRuntime-Dy7wMmgN.js";import{A as c,B as l,C as u,K as d,L as f,M as p,P as m,R as h,W as g,Z as _,a as v,b as y,et as b,i as x,j as S,p as C,q as w,v as T}from"./index-CRbU7o9a.js";import{r as E,t as D}from"./project_pages-B-c23PJ1.js";var O=e=>JSON.stringify(e),k=[{id:`js`,label:`JavaScript`,install:`npm install centrifuge`,code:e=>`import { Centrifuge } from 'centrifuge';

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
xshathra('publish', ['channel' => ${O(e.channel)}, 'data' => ['text' => 'hello']]);`}],A=class{onFrame;cut=!1;serial=0;wires=new Set;constructor(e){this.onFrame=e}tell(e,t){this.onFrame({id:++this.serial,atMs:Date.now(),way:e,text:t})}cutNow(){this.cut=!0,this.tell(`wire`,`the wire is cut`);for(let e of this.wires)e.drop()}mend(){this.cut=!1,this.tell(`wire`,`the wire is whole again`)}add(e){this.wires.add(e)}remove(e){this.wires.delete(e)}get constructorOfWires(){let e=this;return class{constructor(t,n){return new M(e,t,n)}}}},j=1006,M=class{line;onopen=null;onerror=null;onclose=null;onmessage=null;inner;ended=!1;constructor(e,t,n){if(this.line=e,e.add(this),e.cut){setTimeout(()=>this.drop());return}let r=new WebSocket(t,n);this.inner=r,r.onopen=n=>{e.tell(`wire`,`open: ${t}`),this.onopen?.(n)},r.onerror=e=>this.onerror?.(e),r.onclose=t=>{this.ended||e.tell(`wire`,`closed: ${t.code}${t.reason?` ${t.reason}`:``}`),this.end({code:t.code,reason:t.reason})},r.onmessage=t=>{this.ended||(e.tell(`in`,typeof t.data==`string`?t.data:`${t.data.byteLength} bytes`),this.onmessage?.(t))}}get readyState(){return this.ended?WebSocket.CLOSED:this.inner?.readyState??WebSocket.CONNECTING}get binaryType(){return this.inner?.binaryType??`blob`}set binaryType(e){this.inner&&(this.inner.binaryType=e)}send(e){this.ended||(this.line.tell(`out`,e),this.inner?.send(e))}close(){this.inner?this.inner.close():this.end({code:1e3,reason:``})}drop(){this.ended||(this.end({code:j,reason:``}),this.inner?.close())}end(e){this.ended||(this.ended=!0,this.line.remove(this),this.onclose?.(e))}},N=300,P=300,F=600,I=0;async function L(e,t){let n=await _(`/projects/${b(e)}/realtime/token`,{userId:t,ttlSeconds:F});if(!n.token)throw new d(200,`no_token`,n.error?.message??`the server minted no token`);return n.token}function R({project:e}){let t=u(e.role,`developer`)&&!e.archived_at,[n,r]=o(`public:room_1`);return s(`div`,{class:`page`,children:[s(y,{title:`Playground`,tab:`Playground · ${e.name}`,children:`A client in this page, with a test token of the project. Open it in a second tab, and the two can talk.`}),t?s(z,{project:e.id,channel:n,setChannel:r}):s(l,{children:e.archived_at?`An archived project mints no tokens.`:`A test token needs the role developer: you are viewer of this project.`}),s(V,{channel:n})]})}function z(u){let{project:d,channel:m,setChannel:g}=u,[_,y]=o(()=>`tester-${Math.floor(Math.random()*900+100)}`),[b,x]=o(`disconnected`),[O,k]=o(),[j,M]=o(`{"text": "hello"}`),[F,R]=o(``),[z,V]=o([]),[H,U]=o([]),[W,G]=o(!1),K=r(void 0),q=r(void 0),J=n(()=>new A(e=>V(t=>[e,...t].slice(0,N))),[]),Y=t(e=>{U(t=>[{id:++I,atMs:Date.now(),...e},...t].slice(0,P))},[]),X=t((e,t=`none`)=>Y({kind:`note`,text:e,tone:t}),[Y]);a(()=>()=>K.current?.disconnect(),[]);let ee=()=>{R(``),J.cut=!1,G(!1);let t=new e(v(),{name:`playground`,websocket:J.constructorOfWires,minReconnectDelay:300,maxReconnectDelay:1500,getToken:()=>L(d,_)});K.current=t,t.on(`connected`,e=>{x(`connected`),X(`connected as ${_}, client ${e.client}`,`good`)}),t.on(`connecting`,e=>{x(`connecting`),e.code!==0&&X(`connection lost (${e.code} ${e.reason}), trying again`,`warn`)}),t.on(`disconnected`,e=>{x(`disconnected`),X(`disconnected (${e.code} ${e.reason})`,e.code===0?`none`:`bad`)}),t.on(`error`,e=>{J.cut||R(e.error.message)}),t.connect()},te=()=>{if(!K.current)return;R(``),q.current&&(q.current.removeAllListeners(),K.current.removeSubscription(q.current));let e=m.trim(),t=K.current.getSubscription(e)??K.current.newSubscription(e);q.current=t,t.on(`subscribed`,t=>{k(e),t.wasRecovering&&t.recovered?X(`${e}: back, and nothing was missed`,`good`):t.wasRecovering?X(`${e}: back, but what was missed could not be recovered`,`bad`):X(`subscribed to ${e}${t.recoverable?`: missed messages are recovered`:``}`,`good`)}),t.on(`unsubscribed`,e=>{k(void 0),X(`unsubscribed (${e.code} ${e.reason})`,e.code===0?`none`:`bad`)}),t.on(`publication`,e=>Y({kind:`message`,data:e.data,offset:e.offset,text:e.info?.user})),t.on(`join`,e=>Y({kind:`join`,text:e.info.user})),t.on(`leave`,e=>Y({kind:`leave`,text:e.info.user})),t.on(`error`,e=>R(e.error.message)),t.subscribe()},Z=async e=>{R(``);let t;try{t=JSON.parse(j)}catch(e){R(`This is not JSON: ${e.message}`);return}try{if(e===`client`)await K.current?.publish(m.trim(),t);else{let e=await E(d,`publish`,{channel:m.trim(),data:t});J.cut&&X(`published on the server${e.offset?` at offset ${e.offset}`:``}, while this client is away`)}}catch(e){let t=e;R(t.code===103?`Clients may not publish in this namespace: publish as a backend does, or allow it in the settings.`:t.message??w(e).message)}},Q=async e=>{if(q.current){R(``);try{if(e===`presence`){let{clients:e}=await q.current.presence(),t=Object.values(e).map(e=>e.user);X(`present: ${t.length===0?`nobody`:t.join(`, `)}`)}else{let{publications:e}=await q.current.history({limit:10,reverse:!0});X(`the last ${C(e.length)} of its history:`);for(let t of e.reverse())Y({kind:`message`,data:t.data,offset:t.offset,text:`history`})}}catch(t){R(`${e}: ${t.message}`)}}},ne=()=>{W?J.mend():J.cutNow(),G(!W)},re={connected:`good`,connecting:`warn`,disconnected:`none`},$=b===`connected`&&O!==void 0;return s(i,{children:[s(`div`,{class:`grid-2`,children:[s(`section`,{class:`card`,children:[s(`header`,{children:[s(`h2`,{children:`Client`}),s(S,{tone:W?`bad`:re[b],children:W?`wire cut`:b})]}),s(`div`,{class:`card-body`,children:[s(`form`,{class:`toolbar`,onSubmit:e=>{e.preventDefault(),b===`disconnected`?ee():K.current?.disconnect()},children:[s(h,{label:`As user`,value:_,onInput:y,disabled:b!==`disconnected`,required:!0}),s(p,{type:`submit`,kind:b===`disconnected`?`primary`:`plain`,children:b===`disconnected`?`Connect`:`Disconnect`})]}),s(`form`,{class:`toolbar`,onSubmit:e=>{e.preventDefault(),O===m.trim()?q.current?.unsubscribe():te()},children:[s(h,{label:`Channel`,value:m,onInput:g,mono:!0,required:!0}),s(p,{type:`submit`,disabled:b===`disconnected`,kind:b===`connected`&&!O?`primary`:`plain`,children:O===m.trim()?`Unsubscribe`:`Subscribe`})]}),s(c,{label:`Message (JSON)`,value:j,onInput:M,rows:3}),s(`div`,{class:`actions start`,children:[s(p,{kind:$?`primary`:`plain`,onClick:()=>void Z(`server`),children:`Publish as a backend`}),s(p,{disabled:b!==`connected`,onClick:()=>void Z(`client`),children:`Publish as this client`})]}),s(`div`,{class:`actions start`,children:[s(p,{icon:`cut`,disabled:!W&&b!==`connected`,pressed:W,onClick:ne,children:W?`Mend the wire`:`Cut the wire`}),s(p,{disabled:!$,onClick:()=>void Q(`presence`),children:`Presence`}),s(p,{disabled:!$,onClick:()=>void Q(`history`),children:`History`})]}),W&&s(`p`,{class:`help`,children:`Publish as a backend now, then mend the wire: what was missed comes after all.`}),F&&s(l,{tone:`bad`,children:F})]})]}),s(`section`,{class:`card`,children:[s(`header`,{children:[s(`h2`,{children:`Messages`}),s(p,{small:!0,kind:`quiet`,disabled:H.length===0,onClick:()=>U([]),children:`Clear`})]}),H.length===0?s(f,{icon:`play`,title:`Connect, subscribe, publish`,children:s(`p`,{children:`Three buttons on the left; what arrives is listed here.`})}):s(`ol`,{class:`log frames messages`,tabIndex:0,"aria-label":`Messages`,children:H.map(e=>s(`li`,{children:[s(`time`,{dateTime:new Date(e.atMs).toISOString(),children:T(e.atMs)}),s(`span`,{children:e.kind===`message`?s(`span`,{class:`muted`,children:e.offset?`#${e.offset}`:``}):e.kind!==`note`&&s(S,{children:e.kind})}),s(`span`,{class:`what`,children:e.kind===`message`?s(`span`,{class:`json-view`,children:[s(D,{value:e.data,depth:1}),e.text&&s(`span`,{class:`muted`,children:[` from `,e.text]})]}):e.tone&&e.tone!==`none`?s(S,{tone:e.tone,children:s(`span`,{class:`wrap`,children:e.text})}):e.text})]},e.id))})]})]}),s(`section`,{class:`card`,children:[s(`header`,{children:[s(`h2`,{children:`Frames`}),s(p,{small:!0,kind:`quiet`,disabled:z.length===0,onClick:()=>V([]),children:`Clear`}),s(`p`,{children:`What really goes over the WebSocket, newest first.`})]}),z.length===0?s(f,{icon:`stream`,title:`Nothing yet`}):s(`ol`,{class:`log frames short`,tabIndex:0,"aria-label":`Frames`,children:z.map(e=>s(`li`,{children:[s(`time`,{dateTime:new Date(e.atMs).toISOString(),children:T(e.atMs)}),s(`span`,{children:s(S,{tone:e.way===`in`?`good`:e.way===`out`?`info`:`warn`,children:e.way})}),s(`span`,{class:`what`,children:B(e.text)})]},e.id))})]})]})}var B=e=>e.replaceAll(/"token":"([^"]{12})[^"]*"/g,`"token":"$1…"`);function V({channel:e}){let[t,n]=o(`js`),r=k.find(e=>e.id===t)??k[0],i={ws:v(),http:x(),channel:e.trim()||`public:room_1`};return s(`section`,{class:`card`,children:[s(`header`,{children:s(`h2`,{children:`The same in your code`})}),s(`div`,{class:`card-body`,children:[s(g,{label:`Language`,value:t,options:k.map(e=>({value:e.id,label:e.label})),onChange:n}),r?.install&&s(m,{label:`How to install the client`,text:r.install}),r&&s(m,{label:`Example in ${r.label}`,text:r.code(i)})]})]})}export{R as PlaygroundPage};