// Who did what, newest first: of a project, or of the whole instance.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asApiError, get, query, useResource, type ApiError } from '../api';
import { ago, at } from '../format';
import { useSession } from '../session';
import { PageHead } from '../shell';
import type { AuditEntry } from '../types';
import { Button, Empty, Field, Problem, Skeleton } from '../ui/basic';

interface Page {
  entries: AuditEntry[];
  next: number;
}

export function AuditList(props: { path: string; withProject?: boolean }): JSX.Element {
  const { session } = useSession();
  const [who, setWho] = useState('');
  const [what, setWhat] = useState('');
  const [asked, setAsked] = useState({ who: '', what: '' });
  const [older, setOlder] = useState<{ entries: AuditEntry[]; next: number; error?: ApiError }>();
  const filtered = asked.who !== '' || asked.what !== '';
  const first = useResource<Page>(`${props.path}${query({ ...asked, limit: 50 })}`);
  const entries = [...(first.data?.entries ?? []), ...(older?.entries ?? [])];
  const next = older ? older.next : (first.data?.next ?? 0);
  const names = new Map(session.projects.map((project) => [project.id, project.name]));

  const more = async (): Promise<void> => {
    try {
      const page = await get<Page>(`${props.path}${query({ ...asked, before: next, limit: 50 })}`);
      setOlder({ entries: [...(older?.entries ?? []), ...page.entries], next: page.next });
    } catch (error) {
      setOlder({ entries: older?.entries ?? [], next, error: asApiError(error) });
    }
  };
  const ask = (values: { who: string; what: string }): void => {
    setOlder(undefined);
    setAsked(values);
  };

  return (
    <section class="card">
      <div class="card-body">
        <form
          class="toolbar"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            ask({ who: who.trim(), what: what.trim() });
          }}
        >
          <Field label="Who" value={who} onInput={setWho} placeholder="ann@example.com" />
          <Field label="What" value={what} onInput={setWhat} placeholder="rotate" />
          <Button type="submit" icon="search">
            Filter
          </Button>
          {filtered && (
            <Button
              kind="quiet"
              onClick={() => {
                setWho('');
                setWhat('');
                ask({ who: '', what: '' });
              }}
            >
              Show all
            </Button>
          )}
        </form>
      </div>
      {first.error && <Problem error={first.error} retry={() => void first.reload()} />}
      {!first.data && !first.error && (
        <div class="card-body">
          <Skeleton lines={6} />
        </div>
      )}
      {first.data && entries.length === 0 && (
        <Empty icon="audit" title={filtered ? 'Nothing fits the filter' : 'Nothing has happened yet'}>
          <p>{filtered ? 'Both fields must fit an entry.' : 'New keys, invites, changed settings and the like will be listed here.'}</p>
        </Empty>
      )}
      {entries.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Audit log">
          <table>
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                {props.withProject && <th>Project</th>}
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.number}>
                  <td class="nowrap">
                    <time dateTime={new Date(entry.at * 1000).toISOString()} title={at(entry.at)}>
                      {ago(entry.at)}
                    </time>
                  </td>
                  <td class="break">{entry.who}</td>
                  <td class="cell-text">{entry.what}</td>
                  {props.withProject && <td class="break">{names.get(entry.project) ?? entry.project}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {older?.error && <Problem error={older.error} />}
      {next > 0 && (
        <div class="card-foot">
          <span class="muted">{entries.length} shown</span>
          <Button small onClick={() => void more()}>
            Older entries
          </Button>
        </div>
      )}
    </section>
  );
}

export function InstanceAudit(): JSX.Element {
  return (
    <div class="page">
      <PageHead title="Audit of all projects">Who did what on this instance, newest first.</PageHead>
      <AuditList path="/audit" withProject />
    </div>
  );
}
