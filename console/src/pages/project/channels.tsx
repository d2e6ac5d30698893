import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { asApiError, get, query, seg, useResource, type ApiError } from '../../api';
import { engine } from '../../engine';
import { count } from '../../format';
import { navigate } from '../../router';
import { PageHead } from '../../shell';
import type { Channel } from '../../types';
import { Button, Empty, Field, LinkButton, Problem, Skeleton } from '../../ui/basic';
import type { ProjectProps } from './project_pages';

interface Page {
  channels: Channel[];
  cursor?: string | null;
}
const LIMIT = 100;
const PLAIN_MAX = 500;
const POLL_MS = 5_000;

export function ChannelsPage({ project }: ProjectProps): JSX.Element {
  const base = `/projects/${seg(project.id)}/channels`;
  const [text, setText] = useState('');
  const [prefix, setPrefix] = useState('');
  const first = useResource<Page>(`${base}${query({ prefix, limit: LIMIT })}`, POLL_MS);
  const [more, setMore] = useState<{ list: Channel[]; cursor?: string | null; error?: ApiError }>();
  const plain = usePlainList(project.id, prefix, first.error?.isUnbuilt ?? false);
  const known = first.data ?? plain;
  const list = [...(known?.channels ?? []), ...(more?.list ?? [])];
  const cursor = more ? more.cursor : first.data?.cursor;
  const open = (name: string): string => `/projects/${project.id}/channels/${seg(name)}`;

  const next = async (): Promise<void> => {
    try {
      const page = await get<Page>(`${base}${query({ prefix, limit: LIMIT, cursor: cursor ?? undefined })}`);
      setMore({ list: [...(more?.list ?? []), ...page.channels], cursor: page.cursor });
    } catch (error) {
      setMore({ list: more?.list ?? [], cursor, error: asApiError(error) });
    }
  };

  return (
    <div class="page">
      <PageHead title="Channels" tab={`Channels · ${project.name}`}>
        Channels that somebody listens to now. Others exist as soon as somebody publishes or subscribes.
      </PageHead>
      <section class="card">
        <div class="card-body">
          <form
            class="toolbar"
            role="search"
            onSubmit={(event) => {
              event.preventDefault();
              setMore(undefined);
              setPrefix(text.trim());
            }}
          >
            <Field label="Begins with" value={text} onInput={setText} placeholder="public:" mono />
            <Button type="submit" icon="search">
              Search
            </Button>
            <Button disabled={text.trim() === ''} onClick={() => navigate(open(text.trim()))}>
              Open this channel
            </Button>
          </form>
        </div>
        {first.error && !known && <Problem error={first.error} retry={() => void first.reload()} />}
        {!known && !first.error && (
          <div class="card-body">
            <Skeleton lines={6} />
          </div>
        )}
        {known && list.length === 0 && (
          <Empty icon="channel" title={prefix ? 'No such channel has subscribers' : 'No channel has subscribers'}>
            <p>Subscribe in the playground and it appears. A channel by its whole name can be opened at any time, too.</p>
            <LinkButton href={`/projects/${project.id}/playground`} icon="play">
              Playground
            </LinkButton>
          </Empty>
        )}
        {list.length > 0 && (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Channels">
            <table>
              <thead>
                <tr>
                  <th>Channel</th>
                  <th>Namespace</th>
                  <th class="num">Subscribers</th>
                </tr>
              </thead>
              <tbody>
                {list.map((channel) => (
                  <tr key={channel.name}>
                    <th class="break">
                      <a href={open(channel.name)}>{channel.name}</a>
                    </th>
                    <td>{channel.namespace || '—'}</td>
                    <td class="num">{count(channel.subscribers)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {more?.error && <Problem error={more.error} />}
        {cursor && (
          <div class="card-foot">
            <span class="muted">{count(list.length)} shown</span>
            <Button small onClick={() => void next()}>
              More
            </Button>
          </div>
        )}
      </section>
    </div>
  );
}

// A server without the paged list has the engine's own, which is asked once.
function usePlainList(project: string, prefix: string, wanted: boolean): Page | undefined {
  const [page, setPage] = useState<Page>();
  useEffect(() => {
    if (!wanted) return;
    let ended = false;
    engine<{ channels?: Record<string, { num_clients: number }> }>(project, 'channels', prefix ? { pattern: `${prefix}*` } : {}).then(
      (answer) => {
        const channels = Object.entries(answer.channels ?? {}).map(([name, one]) => ({ name, subscribers: one.num_clients, namespace: name.split(':')[1] === undefined ? '' : name.split(':')[0] }));
        channels.sort((a, b) => b.subscribers - a.subscribers || a.name.localeCompare(b.name));
        if (!ended) setPage({ channels: channels.slice(0, PLAIN_MAX) });
      },
      () => {},
    );
    return () => void (ended = true);
  }, [project, prefix, wanted]);
  return page;
}
