// A client in the page: with a test token of this project it connects, subscribes, publishes, and shows how it comes back
// after its wire was cut.
import { Centrifuge, type Subscription } from 'centrifuge';
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, asApiError, post, seg } from '../api';
import { engine } from '../engine';
import { count, timeOfDay } from '../format';
import type { ProjectProps } from '../pages/project/project_pages';
import { PageHead } from '../shell';
import { atLeast } from '../types';
import { Area, Badge, Button, CodeBlock, Empty, Field, Notice, Tabs, type Tone } from '../ui/basic';
import { Json } from '../ui/json';
import { httpUrl, wsUrl } from '../urls';
import { SNIPPETS } from './snippets';
import { Line, type Frame } from './wire';

type State = 'disconnected' | 'connecting' | 'connected';
interface Message {
  id: number;
  atMs: number;
  kind: 'message' | 'note' | 'join' | 'leave';
  text?: string;
  data?: unknown;
  offset?: number;
  tone?: Tone;
}

const FRAMES_MAX = 300;
const MESSAGES_MAX = 300;
const TOKEN_SECONDS = 600;

let serial = 0;

async function mint(project: string, user: string): Promise<string> {
  const answer = await post<{ token?: string; error?: { message: string } }>(`/projects/${seg(project)}/realtime/token`, {
    userId: user,
    ttlSeconds: TOKEN_SECONDS,
  });
  if (!answer.token) throw new ApiError(200, 'no_token', answer.error?.message ?? 'the server minted no token');
  return answer.token;
}

export function PlaygroundPage({ project }: ProjectProps): JSX.Element {
  const may = atLeast(project.role, 'developer') && !project.archived_at;
  const [channel, setChannel] = useState('public:room_1');
  return (
    <div class="page">
      <PageHead title="Playground" tab={`Playground · ${project.name}`}>
        A client in this page, with a test token of the project. Open it in a second tab, and the two can talk.
      </PageHead>
      {may ? (
        <Client project={project.id} channel={channel} setChannel={setChannel} />
      ) : (
        <Notice>
          {project.archived_at ? 'An archived project mints no tokens.' : 'A test token needs the role developer: you are viewer of this project.'}
        </Notice>
      )}
      <Code channel={channel} />
    </div>
  );
}

function Client(props: { project: string; channel: string; setChannel: (channel: string) => void }): JSX.Element {
  const { project, channel, setChannel } = props;
  const [user, setUser] = useState(() => `tester-${Math.floor(Math.random() * 900 + 100)}`);
  const [state, setState] = useState<State>('disconnected');
  const [subscribed, setSubscribed] = useState<string>();
  const [text, setText] = useState('{"text": "hello"}');
  const [problem, setProblem] = useState('');
  const [frames, setFrames] = useState<Frame[]>([]);
  const [messages, setMessages] = useState<Message[]>([]);
  const [cut, setCut] = useState(false);
  const client = useRef<Centrifuge>(undefined);
  const sub = useRef<Subscription>(undefined);

  const line = useMemo(() => new Line((frame) => setFrames((old) => [frame, ...old].slice(0, FRAMES_MAX))), []);
  const say = useCallback((message: Omit<Message, 'id' | 'atMs'>) => {
    setMessages((old) => [{ id: ++serial, atMs: Date.now(), ...message }, ...old].slice(0, MESSAGES_MAX));
  }, []);
  const note = useCallback((words: string, tone: Tone = 'none') => say({ kind: 'note', text: words, tone }), [say]);
  useEffect(() => () => client.current?.disconnect(), []);

  const connect = (): void => {
    setProblem('');
    line.cut = false;
    setCut(false);
    const fresh = new Centrifuge(wsUrl(), {
      name: 'playground',
      websocket: line.constructorOfWires,
      minReconnectDelay: 300,
      maxReconnectDelay: 1_500,
      getToken: () => mint(project, user),
    });
    client.current = fresh;
    fresh.on('connected', (ctx) => {
      setState('connected');
      note(`connected as ${user}, client ${ctx.client}`, 'good');
    });
    fresh.on('connecting', (ctx) => {
      setState('connecting');
      if (ctx.code !== 0) note(`connection lost (${ctx.code} ${ctx.reason}), trying again`, 'warn');
    });
    fresh.on('disconnected', (ctx) => {
      setState('disconnected');
      note(`disconnected (${ctx.code} ${ctx.reason})`, ctx.code === 0 ? 'none' : 'bad');
    });
    fresh.on('error', (ctx) => {
      if (!line.cut) setProblem(ctx.error.message);
    });
    fresh.connect();
  };

  const subscribe = (): void => {
    if (!client.current) return;
    setProblem('');
    if (sub.current) {
      sub.current.removeAllListeners();
      client.current.removeSubscription(sub.current);
    }
    const name = channel.trim();
    const fresh = client.current.getSubscription(name) ?? client.current.newSubscription(name);
    sub.current = fresh;
    fresh.on('subscribed', (ctx) => {
      setSubscribed(name);
      if (ctx.wasRecovering && ctx.recovered) note(`${name}: back, and nothing was missed`, 'good');
      else if (ctx.wasRecovering) note(`${name}: back, but what was missed could not be recovered`, 'bad');
      else note(`subscribed to ${name}${ctx.recoverable ? ': missed messages are recovered' : ''}`, 'good');
    });
    fresh.on('unsubscribed', (ctx) => {
      setSubscribed(undefined);
      note(`unsubscribed (${ctx.code} ${ctx.reason})`, ctx.code === 0 ? 'none' : 'bad');
    });
    fresh.on('publication', (ctx) => say({ kind: 'message', data: ctx.data, offset: ctx.offset, text: ctx.info?.user }));
    fresh.on('join', (ctx) => say({ kind: 'join', text: ctx.info.user }));
    fresh.on('leave', (ctx) => say({ kind: 'leave', text: ctx.info.user }));
    fresh.on('error', (ctx) => setProblem(ctx.error.message));
    fresh.subscribe();
  };

  const publish = async (by: 'client' | 'server'): Promise<void> => {
    setProblem('');
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (error) {
      setProblem(`This is not JSON: ${(error as Error).message}`);
      return;
    }
    try {
      if (by === 'client') await client.current?.publish(channel.trim(), data);
      else {
        const result = await engine<{ offset?: number }>(project, 'publish', { channel: channel.trim(), data });
        if (line.cut) note(`published on the server${result.offset ? ` at offset ${result.offset}` : ''}, while this client is away`);
      }
    } catch (error) {
      const failed = error as { code?: number | string; message?: string };
      setProblem(
        failed.code === 103
          ? 'Clients may not publish in this namespace: publish as a backend does, or allow it in the settings.'
          : (failed.message ?? asApiError(error).message),
      );
    }
  };

  const look = async (what: 'presence' | 'history'): Promise<void> => {
    if (!sub.current) return;
    setProblem('');
    try {
      if (what === 'presence') {
        const { clients } = await sub.current.presence();
        const users = Object.values(clients).map((one) => one.user);
        note(`present: ${users.length === 0 ? 'nobody' : users.join(', ')}`);
      } else {
        const { publications } = await sub.current.history({ limit: 10, reverse: true });
        note(`the last ${count(publications.length)} of its history:`);
        for (const one of publications.reverse()) say({ kind: 'message', data: one.data, offset: one.offset, text: 'history' });
      }
    } catch (error) {
      setProblem(`${what}: ${(error as Error).message}`);
    }
  };

  const toggleWire = (): void => {
    if (cut) line.mend();
    else line.cutNow();
    setCut(!cut);
  };

  const tones: Record<State, Tone> = { connected: 'good', connecting: 'warn', disconnected: 'none' };
  const live = state === 'connected' && subscribed !== undefined;
  return (
    <>
      <div class="grid-2">
        <section class="card">
          <header>
            <h2>Client</h2>
            <Badge tone={cut ? 'bad' : tones[state]}>{cut ? 'wire cut' : state}</Badge>
          </header>
          <div class="card-body">
            <form
              class="toolbar"
              onSubmit={(event) => {
                event.preventDefault();
                if (state === 'disconnected') connect();
                else client.current?.disconnect();
              }}
            >
              <Field label="As user" value={user} onInput={setUser} disabled={state !== 'disconnected'} required />
              <Button type="submit" kind={state === 'disconnected' ? 'primary' : 'plain'}>
                {state === 'disconnected' ? 'Connect' : 'Disconnect'}
              </Button>
            </form>
            <form
              class="toolbar"
              onSubmit={(event) => {
                event.preventDefault();
                if (subscribed === channel.trim()) sub.current?.unsubscribe();
                else subscribe();
              }}
            >
              <Field label="Channel" value={channel} onInput={setChannel} mono required />
              <Button type="submit" disabled={state === 'disconnected'} kind={state === 'connected' && !subscribed ? 'primary' : 'plain'}>
                {subscribed === channel.trim() ? 'Unsubscribe' : 'Subscribe'}
              </Button>
            </form>
            <Area label="Message (JSON)" value={text} onInput={setText} rows={3} />
            <div class="actions start">
              <Button kind={live ? 'primary' : 'plain'} onClick={() => void publish('server')}>
                Publish as a backend
              </Button>
              <Button disabled={state !== 'connected'} onClick={() => void publish('client')}>
                Publish as this client
              </Button>
            </div>
            <div class="actions start">
              <Button icon="cut" disabled={!cut && state !== 'connected'} pressed={cut} onClick={toggleWire}>
                {cut ? 'Mend the wire' : 'Cut the wire'}
              </Button>
              <Button disabled={!live} onClick={() => void look('presence')}>
                Presence
              </Button>
              <Button disabled={!live} onClick={() => void look('history')}>
                History
              </Button>
            </div>
            {cut && <p class="help">Publish as a backend now, then mend the wire: what was missed comes after all.</p>}
            {problem && <Notice tone="bad">{problem}</Notice>}
          </div>
        </section>
        <section class="card">
          <header>
            <h2>Messages</h2>
            <Button small kind="quiet" disabled={messages.length === 0} onClick={() => setMessages([])}>
              Clear
            </Button>
          </header>
          {messages.length === 0 ? (
            <Empty icon="play" title="Connect, subscribe, publish">
              <p>Three buttons on the left; what arrives is listed here.</p>
            </Empty>
          ) : (
            <ol class="log frames messages" tabIndex={0} aria-label="Messages">
              {messages.map((one) => (
                <li key={one.id}>
                  <time dateTime={new Date(one.atMs).toISOString()}>{timeOfDay(one.atMs)}</time>
                  <span>
                    {one.kind === 'message' ? <span class="muted">{one.offset ? `#${one.offset}` : ''}</span> : one.kind !== 'note' && <Badge>{one.kind}</Badge>}
                  </span>
                  <span class="what">
                    {one.kind === 'message' ? (
                      <span class="json-view">
                        <Json value={one.data} depth={1} />
                        {one.text && <span class="muted"> from {one.text}</span>}
                      </span>
                    ) : one.tone && one.tone !== 'none' ? (
                      <Badge tone={one.tone}>
                        <span class="wrap">{one.text}</span>
                      </Badge>
                    ) : (
                      one.text
                    )}
                  </span>
                </li>
              ))}
            </ol>
          )}
        </section>
      </div>
      <section class="card">
        <header>
          <h2>Frames</h2>
          <Button small kind="quiet" disabled={frames.length === 0} onClick={() => setFrames([])}>
            Clear
          </Button>
          <p>What really goes over the WebSocket, newest first.</p>
        </header>
        {frames.length === 0 ? (
          <Empty icon="stream" title="Nothing yet" />
        ) : (
          <ol class="log frames short" tabIndex={0} aria-label="Frames">
            {frames.map((frame) => (
              <li key={frame.id}>
                <time dateTime={new Date(frame.atMs).toISOString()}>{timeOfDay(frame.atMs)}</time>
                <span>
                  <Badge tone={frame.way === 'in' ? 'good' : frame.way === 'out' ? 'info' : 'warn'}>{frame.way}</Badge>
                </span>
                <span class="what">{hidden(frame.text)}</span>
              </li>
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

// Tokens are not for screenshots.
const hidden = (text: string): string => text.replaceAll(/"token":"([^"]{12})[^"]*"/g, '"token":"$1…"');

function Code({ channel }: { channel: string }): JSX.Element {
  const [chosen, setChosen] = useState('js');
  const snippet = SNIPPETS.find((one) => one.id === chosen) ?? SNIPPETS[0];
  const place = { ws: wsUrl(), http: httpUrl(), channel: channel.trim() || 'public:room_1' };
  return (
    <section class="card">
      <header>
        <h2>The same in your code</h2>
      </header>
      <div class="card-body">
        <Tabs label="Language" value={chosen} options={SNIPPETS.map((one) => ({ value: one.id, label: one.label }))} onChange={setChosen} />
        {snippet?.install && <CodeBlock label="How to install the client" text={snippet.install} />}
        {snippet && <CodeBlock label={`Example in ${snippet.label}`} text={snippet.code(place)} />}
      </div>
    </section>
  );
}
