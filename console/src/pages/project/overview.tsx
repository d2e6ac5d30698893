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

type Numbers = { [K in keyof Overview as Overview[K] extends number ? K : never]: number };
const SHOWN: { key: keyof Numbers; label: string; rate?: boolean }[] = [
  { key: 'connections', label: 'Connections' },
  { key: 'channels', label: 'Channels' },
  { key: 'publishes_per_s', label: 'Publishes a second', rate: true },
  { key: 'deliveries_per_s', label: 'Deliveries a second', rate: true },
  { key: 'subscriptions', label: 'Subscriptions' },
  { key: 'errors_per_s', label: 'Errors a second', rate: true },
];

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

interface Sample {
  at: number;
  overview: Overview;
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
        {SHOWN.map(({ key, label, rate: isRate }) => (
          <div key={key} class="card stat">
            <dt>{label}</dt>
            <dd>{isRate ? rate(now[key] ?? 0) : count(now[key] ?? 0)}</dd>
            <Spark label={label} series={{ times: samples.map((s) => s.at), values: samples.map((s) => s.overview[key] ?? 0) }} />
          </div>
        ))}
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

// The values of before, oldest first.
function useSamples(now: Overview | undefined): Sample[] {
  const [state, setState] = useState<{ last?: Overview; samples: Sample[] }>({ samples: [] });
  if (now && now !== state.last) {
    const samples = [...state.samples, { at: Date.now() / 1000, overview: now }].slice(-SAMPLES_MAX);
    setState({ last: now, samples });
    return samples;
  }
  return state.samples;
}
