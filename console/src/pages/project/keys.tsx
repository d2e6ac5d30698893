import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { del, post, seg, useResource } from '../../api';
import { ago, at, left, onDay } from '../../format';
import { PageHead } from '../../shell';
import { atLeast, type Key, type NewKeys } from '../../types';
import { Badge, Button, Check, Empty, Field, Notice, Problem, Select, Skeleton, type Tone } from '../../ui/basic';
import { Confirm, Dialog } from '../../ui/dialog';
import { Form, useSubmit } from '../../ui/form';
import { toast } from '../../ui/toast';
import { NewKeysDialog } from '../new_keys';
import type { ProjectProps } from './project_pages';

type Kind = Key['kind'];

export function KeysPage({ project }: ProjectProps): JSX.Element {
  const path = `/projects/${seg(project.id)}/keys`;
  const keys = useResource<{ keys: Key[] }>(path);
  const [dialog, setDialog] = useState<'' | 'create' | 'rotate'>('');
  const [revoking, setRevoking] = useState<Key>();
  const [made, setMade] = useState<NewKeys>();
  const may = atLeast(project.role, 'admin') && !project.archived_at;
  const list = keys.data?.keys;
  const done = (fresh: NewKeys): void => {
    setDialog('');
    setMade(fresh);
    void keys.reload();
  };

  return (
    <div class="page">
      <PageHead
        title="Keys"
        tab={`Keys · ${project.name}`}
        actions={
          may && (
            <>
              <Button icon="rotate" onClick={() => setDialog('rotate')}>
                Rotate
              </Button>
              <Button kind="primary" icon="plus" onClick={() => setDialog('create')}>
                New key
              </Button>
            </>
          )
        }
      >
        A server key is your backend's secret; a client key may be in pages and apps.
      </PageHead>
      {!may && !project.archived_at && <Notice>You are {project.role} of this project: an admin or its owner changes keys.</Notice>}
      {keys.error && <Problem error={keys.error} retry={() => void keys.reload()} />}
      <section class="card">
        {!list && !keys.error && (
          <div class="card-body">
            <Skeleton />
          </div>
        )}
        {list?.length === 0 && <Empty icon="key" title="No keys" />}
        {list && list.length > 0 && (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Keys">
            <table>
              <thead>
                <tr>
                  <th>Key</th>
                  <th>Kind</th>
                  <th>State</th>
                  <th>Created</th>
                  <th>Last used</th>
                  {may && (
                    <th class="end">
                      <span class="unseen">Actions</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {list.map((key) => (
                  <Row key={key.key_id} of={key} may={may} onRevoke={() => setRevoking(key)} onEnd={() => void keys.reload()} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {dialog === 'create' && <CreateKey path={path} onClose={() => setDialog('')} onMade={done} />}
      {dialog === 'rotate' && <RotateKey path={path} onClose={() => setDialog('')} onMade={done} />}
      {revoking && (
        <Confirm
          title="Revoke this key?"
          action="Revoke"
          onClose={() => setRevoking(undefined)}
          onConfirm={async () => {
            await del(`${path}/${seg(revoking.key_id)}`);
            await keys.reload();
            toast('The key is revoked: requests with it are refused from now on');
          }}
        >
          <p>
            <code class="break">{revoking.key_id}</code> ({revoking.kind}
            {revoking.name ? `, “${revoking.name}”` : ''})
          </p>
          <p>It stops working at once, in every request. This cannot be taken back; to change over without a gap, rotate instead.</p>
        </Confirm>
      )}
      {made && <NewKeysDialog title="Your new key" keys={made} projectId={project.id} onClose={() => setMade(undefined)} />}
    </div>
  );
}

const usable = (key: Key): boolean => !['revoked', 'expired'].includes(key.state);

function Row(props: { of: Key; may: boolean; onRevoke: () => void; onEnd: () => void }): JSX.Element {
  const { of: key } = props;
  return (
    <tr class={usable(key) ? '' : 'off'}>
      <th>
        {key.name && <div class="break">{key.name}</div>}
        <code class="muted break">{key.key_id}</code>
        {key.scopes && key.scopes.length > 0 && <div class="help">may: {key.scopes.join(', ')}</div>}
        {key.channel_prefix && (
          <div class="help">
            channels from <code>{key.channel_prefix}</code>
          </div>
        )}
      </th>
      <td>{key.kind}</td>
      <td class="nowrap">
        <State of={key} onEnd={props.onEnd} />
      </td>
      <td class="nowrap" title={at(key.created_at)}>
        {onDay(key.created_at)}
      </td>
      <td class="nowrap">{key.last_used_at ? ago(key.last_used_at) : '—'}</td>
      {props.may && (
        <td class="end">
          {usable(key) && (
            <Button small kind="quiet" onClick={props.onRevoke}>
              Revoke
            </Button>
          )}
        </td>
      )}
    </tr>
  );
}

function State({ of: key, onEnd }: { of: Key; onEnd: () => void }): JSX.Element {
  const tones: Record<string, Tone> = { active: 'good', current: 'good', revoked: 'bad', expired: 'none' };
  const ends = key.valid_until > 0 && usable(key);
  if (key.revoked_at > 0) return <Badge tone="bad">revoked {ago(key.revoked_at)}</Badge>;
  return (
    <>
      <Badge tone={tones[key.state] ?? 'warn'}>{key.state}</Badge>
      {ends && (
        <div class="help">
          <Countdown until={key.valid_until} onEnd={onEnd} />
        </div>
      )}
    </>
  );
}

// While an old key goes on beside its successor.
function Countdown({ until, onEnd }: { until: number; onEnd: () => void }): JSX.Element {
  const [now, setNow] = useState(() => Date.now() / 1000);
  const rest = until - now;
  useEffect(() => {
    if (rest <= 0) {
      onEnd();
      return;
    }
    const timer = setTimeout(() => setNow(Date.now() / 1000), rest > 86_400 ? 60_000 : 1_000);
    return () => clearTimeout(timer);
  }, [now]);
  if (rest > 30 * 86_400) return <>until {onDay(until)}</>;
  return <span class="num">{rest > 0 ? `ends in ${left(rest)}` : 'has ended'}</span>;
}

const KINDS: { value: Kind; label: string }[] = [
  { value: 'server', label: 'server: for your backend' },
  { value: 'client', label: 'client: for pages and apps' },
];
const LIVES = [
  { value: '0', label: 'no end' },
  { value: '2592000', label: '30 days' },
  { value: '7776000', label: '90 days' },
  { value: '31536000', label: 'one year' },
];
const OVERLAPS = [
  { value: '0', label: 'none: the old one ends at once' },
  { value: '3600', label: 'one hour' },
  { value: '86400', label: 'one day' },
  { value: '604800', label: 'one week' },
];

interface MakerProps {
  path: string;
  onClose: () => void;
  onMade: (keys: NewKeys) => void;
}

const SCOPES = [
  { value: 'publish', label: 'publish' },
  { value: 'tokens', label: 'mint tokens' },
  { value: 'read', label: 'read: presence, history, channels' },
];

function CreateKey(props: MakerProps): JSX.Element {
  const [kind, setKind] = useState<Kind>('server');
  const [scopes, setScopes] = useState<string[]>([]);
  const [prefix, setPrefix] = useState('');
  const [name, setName] = useState('');
  const [life, setLife] = useState('0');
  const submission = useSubmit(async () =>
    props.onMade(
      await post<NewKeys>(props.path, {
        kind,
        name: name.trim(),
        ...(life === '0' ? {} : { expires_in_seconds: Number(life) }),
        ...(kind === 'server' && scopes.length > 0 ? { scopes } : {}),
        ...(kind === 'server' && prefix ? { channel_prefix: prefix } : {}),
      }),
    ),
  );
  return (
    <Dialog title="New key" onClose={props.onClose}>
      <Form submission={submission} action="Create" cancel={props.onClose} fields={['name', 'channel_prefix']}>
        <Select label="Kind" value={kind} options={KINDS} onChange={setKind} />
        <Field label="Name" value={name} onInput={setName} placeholder="billing service" help="So that you know later who holds it." error={submission.fieldError('name')} autofocus />
        {kind === 'server' && (
          <fieldset>
            <legend>May only</legend>
            {SCOPES.map((scope) => (
              <Check
                key={scope.value}
                label={scope.label}
                checked={scopes.includes(scope.value)}
                onChange={(on) => setScopes(on ? [...scopes, scope.value] : scopes.filter((one) => one !== scope.value))}
              />
            ))}
            <Field
              label="In channels that begin with"
              value={prefix}
              onInput={setPrefix}
              placeholder="orders:"
              mono
              help="Nothing chosen: the key may do everything in all channels."
              error={submission.fieldError('channel_prefix')}
            />
          </fieldset>
        )}
        <Select label="Good for" value={life} options={LIVES} onChange={setLife} />
      </Form>
    </Dialog>
  );
}

function RotateKey(props: MakerProps): JSX.Element {
  const [kind, setKind] = useState<Kind>('server');
  const [overlap, setOverlap] = useState('86400');
  const submission = useSubmit(async () =>
    props.onMade(await post<NewKeys>(`${props.path}/rotate`, { kind, grace_seconds: Number(overlap) })),
  );
  return (
    <Dialog title="Rotate a key" onClose={props.onClose}>
      <Form submission={submission} action="Rotate" cancel={props.onClose}>
        <p class="muted">A new key takes over. The old ones of that kind go on for the overlap, so that everybody can change over in peace.</p>
        <Select label="Which" value={kind} options={KINDS} onChange={setKind} />
        <Select label="Overlap" value={overlap} options={OVERLAPS} onChange={setOverlap} />
      </Form>
    </Dialog>
  );
}
