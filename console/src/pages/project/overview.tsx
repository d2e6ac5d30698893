import type { JSX } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { seg, useResource } from '../../api';
import { bytes, count, plural, rate } from '../../format';
import { lazy } from '../../lazy';
import { useLive } from '../../live';
import { PageHead } from '../../shell';
import type { Overview } from '../../types';
import { atLeast } from '../../types';
import { CopyLine, LinkButton, Problem, Skeleton } from '../../ui/basic';
import { httpUrl, wsUrl } from '../../urls';
import type { ProjectProps } from './project_pages';

const Spark = lazy(() => import('../../ui/spark').then((m) => m.Spark));
const POLL_MS = 2_000;
const SAMPLES_MAX = 150;

// What is shown of two moments: numbers of the later one, and what came between them, a second.
const SHOWN: { label: string; isRate?: boolean; of: (now: Overview, before: Overview | undefined) => number }[] = [
  { label: 'Connections', of: (now) => now.connections },
  { label: 'Channels', of: (now) => now.channels },
  { label: 'Publishes a second', isRate: true, of: (now, before) => perSecond('publications', now, before) },
  { label: 'Deliveries a second', isRate: true, of: (now, before) => perSecond('deliveries', now, before) },
  { label: 'Subscriptions', of: (now) => now.subscriptions },
  { label: 'Errors a second', isRate: true, of: (now, before) => perSecond('errors', now, before) },
];

function perSecond(what: 'publications' | 'deliveries' | 'errors', now: Overview, before: Overview | undefined): number {
  const seconds = before ? (now.at_ms - before.at_ms) / 1000 : 0;
  // The server counts anew after a start.
  return before && seconds > 0 ? Math.max(0, (now[what] - before[what]) / seconds) : 0;
}

export function OverviewPage({ project }: ProjectProps): JSX.Element {
  return (
    <div class="page">
      <PageHead
        title={project.name}
        tab={`Overview · ${project.name}`}
        actions={
          atLeast(project.role, 'developer') && (
            <LinkButton href={`/projects/${project.id}/playground`} icon="play" kind="primary">
              Playground
            </LinkButton>
          )
        }
      />
      <Live id={project.id} />
      <section class="card">
        <header>
          <h2>Connect to it</h2>
        </header>
        <div class="card-body">
          <CopyLine name="Clients connect to" label="WebSocket address" text={wsUrl()} />
          <CopyLine name="Backends call" label="API address" text={`${httpUrl()}/api/realtime/publish`} />
          <CopyLine name="Project id" label="project id" text={project.id} />
          <div class="actions start">
            <LinkButton href={`/projects/${project.id}/keys`} icon="key">
              Keys
            </LinkButton>
            <LinkButton href="/docs/backend" icon="docs">
              How a backend uses them
            </LinkButton>
          </div>
        </div>
      </section>
    </div>
  );
}

function Live({ id }: { id: string }): JSX.Element {
  const [pushed, setPushed] = useState<Overview>();
  const live = useLive(id, 'overview', useCallback((data: unknown) => setPushed(data as Overview), []));
  const polled = useResource<Overview>(`/projects/${seg(id)}/overview`, live === 'on' && pushed ? 0 : POLL_MS);
  const now = (live === 'on' ? pushed : undefined) ?? polled.data;
  const samples = useSamples(now);

  if (polled.error && !now) return polled.error.isUnbuilt ? <div class="card"><Problem error={polled.error} /></div> : <Problem error={polled.error} retry={() => void polled.reload()} />;
  if (!now) return <Skeleton lines={5} />;
  const memory = Object.entries(now.memory ?? {}).sort((a, b) => b[1] - a[1]);
  const most = memory[0]?.[1] ?? 0;
  return (
    <>
      <dl class="stats">
        {SHOWN.map(({ label, isRate, of }) => {
          const values = samples.map((sample, i) => of(sample, samples[i - 1]));
          const last = values.at(-1) ?? 0;
          return (
            <div key={label} class="card stat">
              <dt>{label}</dt>
              <dd>{isRate ? rate(last) : count(last)}</dd>
              <dd class="spark-box">
                <Spark label={label} series={{ times: samples.map((sample) => sample.at_ms / 1000), values }} />
              </dd>
            </div>
          );
        })}
      </dl>
      {now.connections === 0 && (
        <p class="muted">Nobody is connected. Open the playground in two tabs, or connect your own page: the numbers follow at once.</p>
      )}
      {memory.length > 0 && (
        <section class="card">
          <header>
            <h2>Memory</h2>
            <span class="muted">{plural(now.users ?? 0, 'user')} connected</span>
          </header>
          <div class="card-body">
            <ul class="bars">
              {memory.map(([part, size]) => (
                <li key={part}>
                  <span>{part}</span>
                  <span class="num">{bytes(size)}</span>
                  <meter min={0} max={most || 1} value={size} aria-label={part} />
                </li>
              ))}
            </ul>
          </div>
        </section>
      )}
    </>
  );
}

// What came so far, oldest first.
function useSamples(now: Overview | undefined): Overview[] {
  const [state, setState] = useState<{ last?: Overview; samples: Overview[] }>({ samples: [] });
  if (now && now !== state.last) {
    const last = state.samples.at(-1);
    const samples = last && last.at_ms >= now.at_ms ? state.samples : [...state.samples, now].slice(-SAMPLES_MAX);
    setState({ last: now, samples });
    return samples;
  }
  return state.samples;
}
