// What happens in the project, line by line, while this page is open.
import type { JSX } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';
import { count, timeOfDay } from '../../format';
import { useLive, type LiveState } from '../../live';
import { PageHead } from '../../shell';
import type { LiveEvent } from '../../types';
import { ApiError } from '../../api';
import { Badge, Button, Empty, Field, LinkButton, Problem, Select, type Tone } from '../../ui/basic';
import { brief, Json } from '../../ui/json';
import type { ProjectProps } from './project_pages';

// One event as the server tells it: what is known of it, and whatever else it says.
interface Event {
  id: number;
  atMs: number;
  what: string;
  channel: string;
  user: string;
  client: string;
  reason: string;
  all: LiveEvent;
}

const KINDS = [
  'connect',
  'connect_refused',
  'disconnect',
  'subscribe',
  'subscribe_refused',
  'unsubscribe',
  'publish',
  'publish_refused',
  'api_call',
  'api_refused',
];
const KEPT_MAX = 1_000;
const SHOWN_MAX = 300;

const text = (value: unknown): string => (value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value));

let serial = 0;
function read(data: LiveEvent): Event {
  return {
    id: ++serial,
    atMs: data.at_ms,
    what: text(data.type),
    channel: text(data.channel),
    user: text(data.user),
    client: text(data.client),
    reason: text(data.reason) || text(data.message) || text(data.answer?.error?.message),
    all: data,
  };
}

const toneOf = (what: string): Tone => {
  if (what.endsWith('refused')) return 'bad';
  if (what === 'disconnect' || what === 'unsubscribe') return 'warn';
  if (what === 'connect' || what === 'subscribe') return 'good';
  return 'info';
};

const WORDS: Record<LiveState, string> = {
  connecting: 'connecting',
  on: 'live',
  off: 'not connected',
  unbuilt: 'not available',
};

export function LiveMark({ state }: { state: LiveState }): JSX.Element {
  return (
    <span class={`live ${state === 'on' ? 'on' : state === 'off' ? 'off' : ''}`} role="status">
      {WORDS[state]}
    </span>
  );
}

export function EventsPage({ project }: ProjectProps): JSX.Element {
  const [events, setEvents] = useState<Event[]>([]);
  const [dropped, setDropped] = useState(0);
  const [paused, setPaused] = useState(false);
  const [kind, setKind] = useState('');
  const [needle, setNeedle] = useState('');
  const [missed, setMissed] = useState(0);
  const isPaused = useRef(false);
  isPaused.current = paused;

  const live = useLive(
    project.id,
    'events',
    useCallback((data: unknown) => {
      const event = data as LiveEvent;
      setDropped((n) => n + (event.dropped ?? 0));
      if (isPaused.current) {
        setMissed((n) => n + 1);
        return;
      }
      setEvents((old) => [read(event), ...old].slice(0, KEPT_MAX));
    }, []),
  );

  const wanted = needle.trim().toLowerCase();
  const shown = events
    .filter((one) => !kind || one.what === kind)
    .filter((one) => !wanted || [one.channel, one.user, one.client, one.reason].some((part) => part.toLowerCase().includes(wanted)))
    .slice(0, SHOWN_MAX);

  return (
    <div class="page">
      <PageHead title="Event stream" tab={`Event stream · ${project.name}`} actions={<LiveMark state={live} />}>
        Connects, refusals with their reason, subscribes, publishes and API calls, while this page is open.
      </PageHead>
      <section class="card">
        <div class="card-body">
          <div class="toolbar">
            <Select
              label="Kind"
              value={kind}
              options={[{ value: '', label: 'all' }, ...KINDS.map((one) => ({ value: one, label: one.replaceAll('_', ' ') }))]}
              onChange={setKind}
            />
            <Field label="User, channel, client or reason" type="search" value={needle} onInput={setNeedle} placeholder="room_1" />
            <Button
              icon={paused ? 'play' : 'pause'}
              pressed={paused}
              onClick={() => {
                setPaused(!paused);
                setMissed(0);
              }}
            >
              {paused ? 'Go on' : 'Pause'}
            </Button>
            <Button kind="quiet" disabled={events.length === 0} onClick={() => setEvents([])}>
              Clear
            </Button>
          </div>
          {(paused || dropped > 0) && (
            <p class="muted" role="status">
              {paused && `Paused: ${count(missed)} passed by. `}
              {dropped > 0 && `${count(dropped)} were left out, because more than 200 came in a second.`}
            </p>
          )}
        </div>
        {live === 'unbuilt' ? (
          <Problem error={new ApiError(404, 'not_found', 'nothing answers at the event stream')} />
        ) : shown.length === 0 ? (
          <Empty icon="stream" title={events.length ? 'Nothing fits the filter' : 'Nothing has happened yet'}>
            {events.length === 0 && (
              <>
                <p>Connect a client or publish something, and it appears here at once.</p>
                <LinkButton href={`/projects/${project.id}/playground`} icon="play">
                  Playground
                </LinkButton>
              </>
            )}
          </Empty>
        ) : (
          <ol class="log tall" tabIndex={0} aria-label="Events">
            {shown.map((one) => (
              <li key={one.id}>
                <time dateTime={new Date(one.atMs).toISOString()}>{timeOfDay(one.atMs)}</time>
                <span>
                  <Badge tone={toneOf(one.what)}>{one.what.replaceAll('_', ' ')}</Badge>
                </span>
                <span class="what">
                  <Line event={one} />
                </span>
              </li>
            ))}
          </ol>
        )}
      </section>
    </div>
  );
}

// What is told in words; the whole event is one click away.
function words(event: LiveEvent): string {
  const is = (name: string): string => text(event[name]);
  const parts: string[] = [];
  if (event.type.startsWith('api_')) parts.push(`${is('api')} API: ${is('method')}`, is('by') === 'console' ? 'from the console' : is('key_id') ? `with key ${is('key_id')}` : '', `status ${is('status')}`);
  if (is('sdk')) parts.push([is('sdk'), is('sdk_version')].filter(Boolean).join(' '));
  if (is('address')) parts.push(`from ${is('address')}`);
  if (event.type === 'publish') parts.push(is('by') === 'api' ? 'by the API' : '', event.data !== undefined ? brief(event.data, 80) : `${is('bytes')} bytes`);
  if (is('code')) parts.push(`code ${is('code')}`);
  if (is('expected')) parts.push(`expected ${is('expected')}`);
  return parts.filter(Boolean).join(', ');
}

function Line({ event }: { event: Event }): JSX.Element {
  return (
    <>
      {event.channel && <code>{event.channel}</code>} {event.user && <>{event.user} </>}
      {event.reason && <strong>{event.reason} </strong>}
      <details class="json">
        <summary class="json-mark">{words(event.all) || 'details'}</summary>
        <div class="json-view">
          <Json value={event.all} />
        </div>
      </details>
    </>
  );
}
