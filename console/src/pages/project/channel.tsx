// One channel: who is there, what was published, and publishing to it.
import type { JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { asApiError, seg, type ApiError } from '../../api';
import { engine } from '../../engine';
import { ago, at, count } from '../../format';
import { PageHead } from '../../shell';
import { atLeast, type Publication } from '../../types';
import { Area, Badge, Button, Empty, Problem, Skeleton } from '../../ui/basic';
import { Confirm } from '../../ui/dialog';
import { Form, useSubmit } from '../../ui/form';
import { Json } from '../../ui/json';
import { toast } from '../../ui/toast';
import type { ProjectProps } from './project_pages';

const POLL_MS = 4_000;
const PAGE = 20;

export function ChannelPage({ project, name }: ProjectProps & { name: string }): JSX.Element {
  const [turn, setTurn] = useState(0);
  const changed = useCallback(() => setTurn((n) => n + 1), []);
  const may = atLeast(project.role, 'developer') && !project.archived_at;
  return (
    <div class="page">
      <PageHead title={name} tab={`${name} · ${project.name}`} crumb={{ href: `/projects/${project.id}/channels`, label: 'Channels' }} />
      <div class="grid-2">
        <History project={project.id} channel={name} turn={turn} may={may} onChange={changed} />
        <div class="page">
          {may && <Publish project={project.id} channel={name} onDone={changed} />}
          <Presence project={project.id} channel={name} />
        </div>
      </div>
    </div>
  );
}

interface HistoryPage {
  publications?: Publication[];
  offset?: number;
  epoch?: string;
}

function History(props: { project: string; channel: string; turn: number; may: boolean; onChange: () => void }): JSX.Element {
  const { project, channel, turn } = props;
  const [state, setState] = useState<{ list: Publication[]; offset?: number; epoch?: string; end: boolean; error?: ApiError }>();
  const [purging, setPurging] = useState(false);

  const load = useCallback(async () => {
    try {
      const page = await engine<HistoryPage>(project, 'history', { channel, limit: PAGE, reverse: true });
      const list = page.publications ?? [];
      setState({ list, offset: page.offset, epoch: page.epoch, end: list.length < PAGE });
    } catch (error) {
      setState({ list: [], end: true, error: asApiError(error) });
    }
  }, [project, channel]);
  useEffect(() => void load(), [load, turn]);

  const older = async (): Promise<void> => {
    const last = state?.list.at(-1)?.offset;
    if (!state || last === undefined) return;
    try {
      const page = await engine<HistoryPage>(project, 'history', {
        channel,
        limit: PAGE,
        reverse: true,
        since: { offset: last, epoch: state.epoch },
      });
      const list = page.publications ?? [];
      setState({ ...state, list: [...state.list, ...list], end: list.length < PAGE });
    } catch (error) {
      toast((error as Error).message, 'warn');
    }
  };

  return (
    <section class="card">
      <header>
        <h2>History</h2>
        <div class="actions">
          <Button small kind="quiet" icon="rotate" onClick={() => void load()}>
            Reload
          </Button>
          {props.may && (
            <Button small kind="quiet" icon="trash" disabled={!state?.list.length} onClick={() => setPurging(true)}>
              Purge
            </Button>
          )}
        </div>
        {state?.epoch && (
          <p>
            The newest has offset <strong>{state.offset}</strong> in epoch <code>{state.epoch}</code>.
          </p>
        )}
      </header>
      {!state && (
        <div class="card-body">
          <Skeleton />
        </div>
      )}
      {state?.error &&
        (state.error.code === '108' ? (
          <Empty icon="stream" title="No history here">
            <p>{state.error.message}</p>
          </Empty>
        ) : (
          <Problem error={state.error} retry={() => void load()} />
        ))}
      {state && !state.error && state.list.length === 0 && (
        <Empty icon="stream" title="Nothing is kept">
          <p>What is published here from now on is listed, as long as the namespace keeps it.</p>
        </Empty>
      )}
      {state && state.list.length > 0 && (
        <ol class="log publications">
          {state.list.map((one) => (
            <li key={one.offset}>
              <span class="num">#{one.offset}</span>
              <span class="what json-view">
                <Json value={one.data} />
                {one.tags && <div class="muted">tags: {JSON.stringify(one.tags)}</div>}
                {(one.info?.user || one.time) && (
                  <div class="muted">
                    {one.info?.user && `from ${one.info.user} `}
                    {one.time ? <span title={at(one.time / 1000)}>{ago(one.time / 1000)}</span> : null}
                  </div>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
      {state && !state.end && (
        <div class="card-foot">
          <span class="muted">{count(state.list.length)} shown</span>
          <Button small onClick={() => void older()}>
            Older
          </Button>
        </div>
      )}
      {purging && (
        <Confirm
          title="Purge the history?"
          action="Purge"
          onClose={() => setPurging(false)}
          onConfirm={async () => {
            await engine(project, 'history_remove', { channel });
            toast('The history is empty');
            props.onChange();
          }}
        >
          <p>
            All that is kept of <strong class="break">{channel}</strong> is removed. Clients that are away cannot recover it.
          </p>
        </Confirm>
      )}
    </section>
  );
}

interface PresenceInfo {
  client: string;
  user: string;
  conn_info?: unknown;
  chan_info?: unknown;
}

function Presence({ project, channel }: { project: string; channel: string }): JSX.Element {
  const [state, setState] = useState<{ list: PresenceInfo[]; error?: ApiError }>();
  useEffect(() => {
    let ended = false;
    const load = async (): Promise<void> => {
      if (document.hidden) return;
      try {
        const { presence } = await engine<{ presence?: Record<string, PresenceInfo> }>(project, 'presence', { channel });
        const list = Object.values(presence ?? {}).sort((a, b) => a.user.localeCompare(b.user));
        if (!ended) setState({ list });
      } catch (error) {
        if (!ended) setState({ list: [], error: asApiError(error) });
      }
    };
    void load();
    const timer = setInterval(() => void load(), POLL_MS);
    return () => {
      ended = true;
      clearInterval(timer);
    };
  }, [project, channel]);

  return (
    <section class="card">
      <header>
        <h2>Present</h2>
        {state && !state.error && <Badge tone={state.list.length ? 'good' : 'none'}>{count(state.list.length)}</Badge>}
      </header>
      {!state && (
        <div class="card-body">
          <Skeleton lines={2} />
        </div>
      )}
      {state?.error &&
        (state.error.code === '108' ? (
          <Empty icon="people" title="No presence here">
            <p>{state.error.message}</p>
          </Empty>
        ) : (
          <Problem error={state.error} />
        ))}
      {state && !state.error && state.list.length === 0 && <Empty icon="people" title="Nobody is here" />}
      {state && state.list.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Present">
          <table>
            <thead>
              <tr>
                <th>User</th>
                <th>Client</th>
                <th>Info</th>
              </tr>
            </thead>
            <tbody>
              {state.list.slice(0, 200).map((one) => (
                <tr key={one.client}>
                  <th class="break">{one.user || <span class="muted">anonymous</span>}</th>
                  <td>
                    <code title={one.client}>{one.client.slice(0, 8)}…</code>
                  </td>
                  <td class="json-view">
                    {one.conn_info || one.chan_info ? <Json value={one.chan_info ?? one.conn_info} depth={1} /> : '—'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Publish(props: { project: string; channel: string; onDone: () => void }): JSX.Element {
  const [text, setText] = useState('{"text": "hello"}');
  const [wrong, setWrong] = useState('');
  const submission = useSubmit(async () => {
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (error) {
      setWrong(`This is not JSON: ${(error as Error).message}`);
      return;
    }
    const result = await engine<{ offset?: number }>(props.project, 'publish', { channel: props.channel, data });
    toast(result.offset ? `Published at offset ${result.offset}` : 'Published');
    props.onDone();
  });
  return (
    <section class="card">
      <header>
        <h2>Publish</h2>
      </header>
      <div class="card-body">
        <Form submission={submission} action="Publish">
          <Area
            label="Data (JSON)"
            value={text}
            rows={4}
            error={wrong}
            onInput={(value) => {
              setText(value);
              setWrong('');
            }}
          />
        </Form>
      </div>
    </section>
  );
}

export const channelHref = (project: string, channel: string): string => `/projects/${project}/channels/${seg(channel)}`;
