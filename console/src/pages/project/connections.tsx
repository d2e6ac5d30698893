import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asApiError, get, query, seg, useResource, type ApiError } from '../../api';
import { engine } from '../../engine';
import { ago, at } from '../../format';
import { PageHead } from '../../shell';
import { atLeast, type Connection } from '../../types';
import { Badge, Button, Empty, Field, LinkButton, Notice, Problem, Select, Skeleton } from '../../ui/basic';
import { Confirm, Dialog } from '../../ui/dialog';
import { Json } from '../../ui/json';
import { toast } from '../../ui/toast';
import type { ProjectProps } from './project_pages';

interface Page {
  connections: Connection[];
  cursor?: string | null;
}
const BY = ['user', 'client', 'channel', 'address', 'sdk'] as const;
type By = (typeof BY)[number];
const LIMIT = 50;
const POLL_MS = 5_000;

export function ConnectionsPage({ project }: ProjectProps): JSX.Element {
  const base = `/projects/${seg(project.id)}/connections`;
  const [by, setBy] = useState<By>('user');
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<{ by: By; text: string }>({ by: 'user', text: '' });
  const filter = asked.text ? { [asked.by]: asked.text } : {};
  const first = useResource<Page>(`${base}${query({ ...filter, limit: LIMIT })}`, POLL_MS);
  const [more, setMore] = useState<{ list: Connection[]; cursor?: string | null; error?: ApiError }>();
  const [open, setOpen] = useState<string>();
  const list = [...(first.data?.connections ?? []), ...(more?.list ?? [])];
  const cursor = more ? more.cursor : first.data?.cursor;

  const next = async (): Promise<void> => {
    try {
      const page = await get<Page>(`${base}${query({ ...filter, limit: LIMIT, cursor: cursor ?? undefined })}`);
      setMore({ list: [...(more?.list ?? []), ...page.connections], cursor: page.cursor });
    } catch (error) {
      setMore({ list: more?.list ?? [], cursor, error: asApiError(error) });
    }
  };

  return (
    <div class="page">
      <PageHead title="Connections" tab={`Connections · ${project.name}`}>
        Who is connected now, with which SDK, and to which channels they listen.
      </PageHead>
      <section class="card">
        <div class="card-body">
          <form
            class="toolbar"
            role="search"
            onSubmit={(event) => {
              event.preventDefault();
              setMore(undefined);
              setAsked({ by, text: text.trim() });
            }}
          >
            <Select label="Search by" value={by} options={BY.map((value) => ({ value, label: value }))} onChange={setBy} />
            <Field label="is" value={text} onInput={setText} placeholder={by === 'channel' ? 'public:room_1' : by === 'address' ? '203.0.113.7' : 'alice'} />
            <Button type="submit" icon="search">
              Search
            </Button>
          </form>
        </div>
        {first.error && !first.data && <Problem error={first.error} retry={() => void first.reload()} />}
        {!first.data && !first.error && (
          <div class="card-body">
            <Skeleton lines={6} />
          </div>
        )}
        {first.data && list.length === 0 && (
          <Empty icon="plug" title={asked.text ? `No connection with this ${asked.by}` : 'Nobody is connected'}>
            {!asked.text && (
              <>
                <p>Open the playground, or connect your own page: it appears here.</p>
                <LinkButton href={`/projects/${project.id}/playground`} icon="play">
                  Playground
                </LinkButton>
              </>
            )}
          </Empty>
        )}
        {list.length > 0 && (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Connections">
            <table>
              <thead>
                <tr>
                  <th>User</th>
                  <th>Client</th>
                  <th>SDK</th>
                  <th>Transport</th>
                  <th>Address</th>
                  <th>Connected</th>
                  <th class="num">Subscriptions</th>
                </tr>
              </thead>
              <tbody>
                {list.map((one) => (
                  <tr key={one.client}>
                    <th class="break">{one.user || <span class="muted">anonymous</span>}</th>
                    <td>
                      <Button small kind="quiet" onClick={() => setOpen(one.client)} title={one.client}>
                        {one.client.slice(0, 8)}…
                      </Button>
                    </td>
                    <td class="break">{one.sdk || '—'}</td>
                    <td class="nowrap">{[one.transport, one.encoding].filter(Boolean).join(', ') || '—'}</td>
                    <td class="break">{one.address || '—'}</td>
                    <td class="nowrap" title={one.connected_at ? at(one.connected_at) : ''}>
                      {one.connected_at ? ago(one.connected_at) : '—'}
                    </td>
                    <td class="num">{Array.isArray(one.subscriptions) ? one.subscriptions.length : (one.subscriptions ?? '—')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {more?.error && <Problem error={more.error} />}
        {cursor && (
          <div class="card-foot">
            <span class="muted">{list.length} shown</span>
            <Button small onClick={() => void next()}>
              More
            </Button>
          </div>
        )}
      </section>
      {open && <Details base={base} project={project} client={open} onClose={() => setOpen(undefined)} onGone={() => void first.reload()} />}
    </div>
  );
}

function Details(props: {
  base: string;
  project: ProjectProps['project'];
  client: string;
  onClose: () => void;
  onGone: () => void;
}): JSX.Element {
  const { project } = props;
  const found = useResource<Connection>(`${props.base}/${seg(props.client)}`);
  const [asking, setAsking] = useState(false);
  const one = found.data;
  const subscriptions = Array.isArray(one?.subscriptions) ? one.subscriptions : [];
  const names = subscriptions.map((sub) => (typeof sub === 'string' ? (sub as string) : sub.channel));
  const act = async (method: 'disconnect' | 'refresh'): Promise<void> => {
    await engine(project.id, method, { user: one?.user ?? '', client: props.client });
  };
  return (
    <Dialog title="Connection" onClose={props.onClose} wide>
      {found.error && <Problem error={found.error} />}
      {!one && !found.error && <Skeleton lines={5} />}
      {one && (
        <>
          <dl class="facts">
            <dt>User</dt>
            <dd>{one.user || <span class="muted">anonymous</span>}</dd>
            <dt>Client</dt>
            <dd>
              <code>{one.client}</code>
            </dd>
            <dt>SDK</dt>
            <dd>{one.sdk || '—'}</dd>
            <dt>Transport</dt>
            <dd>{[one.transport, one.encoding].filter(Boolean).join(', ') || '—'}</dd>
            <dt>Address</dt>
            <dd>{one.address || '—'}</dd>
            {one.connected_at ? (
              <>
                <dt>Connected</dt>
                <dd>{at(one.connected_at)}</dd>
              </>
            ) : null}
            <dt>Channels</dt>
            <dd>
              {names.length === 0 && <span class="muted">none</span>}
              {names.map((name) => (
                <div key={name}>
                  <a href={`/projects/${project.id}/channels/${seg(name)}`}>{name}</a>
                </div>
              ))}
            </dd>
            {one.claims !== undefined && one.claims !== null && (
              <>
                <dt>Token claims</dt>
                <dd class="json-view">
                  <Json value={one.claims} />
                </dd>
              </>
            )}
          </dl>
          {atLeast(project.role, 'developer') ? (
            <div class="actions">
              <Button
                icon="rotate"
                title="Ask the client for a fresh token"
                onClick={() =>
                  void act('refresh').then(
                    () => toast('Refreshed'),
                    (error: Error) => toast(error.message, 'warn'),
                  )
                }
              >
                Refresh
              </Button>
              <Button kind="danger" onClick={() => setAsking(true)}>
                Disconnect
              </Button>
            </div>
          ) : (
            <Badge>viewers only look</Badge>
          )}
        </>
      )}
      {asking && (
        <Confirm
          title="Disconnect this client?"
          action="Disconnect"
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await act('disconnect');
            toast('Disconnected');
            props.onGone();
            props.onClose();
          }}
        >
          <Notice>The client is told not to come back by itself.</Notice>
        </Confirm>
      )}
    </Dialog>
  );
}
