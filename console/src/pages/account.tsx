// One's own account: name, password, authenticator app, where one is signed in, tokens for scripts.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { del, patch, post, seg, useResource } from '../api';
import { ago, at, onDay } from '../format';
import { useSession } from '../session';
import { PageHead } from '../shell';
import type { AccessToken, LoginSession } from '../types';
import { Badge, Button, CodeBlock, CopyButton, CopyLine, Empty, Field, Notice, Problem, Select, Skeleton } from '../ui/basic';
import { Confirm, Dialog } from '../ui/dialog';
import { Form, useSubmit } from '../ui/form';
import { toast } from '../ui/toast';
import { httpUrl } from '../urls';

export function AccountPage(): JSX.Element {
  return (
    <div class="page">
      <PageHead title="Your account" />
      <div class="grid-2">
        <Profile />
        <Password />
      </div>
      <Totp />
      <Sessions />
      <Tokens />
    </div>
  );
}

function Profile(): JSX.Element {
  const { session, refresh } = useSession();
  const [name, setName] = useState(session.account.name);
  const submission = useSubmit(async () => {
    await patch('/account', { name: name.trim() });
    await refresh();
    toast('Saved');
  });
  return (
    <section class="card">
      <header>
        <h2>Profile</h2>
        {session.account.instance_owner && <Badge tone="info">owner of the instance</Badge>}
      </header>
      <div class="card-body">
        <Form submission={submission} action="Save" fields={['name']} disabled={name.trim() === session.account.name}>
          <Field label="Name" value={name} onInput={setName} autocomplete="name" error={submission.fieldError('name')} required />
          <Field label="E-mail" value={session.account.email} onInput={() => {}} disabled help={`Account since ${onDay(session.account.created_at)}.`} />
        </Form>
      </div>
    </section>
  );
}

function Password(): JSX.Element {
  const { session } = useSession();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const submission = useSubmit(async () => {
    await patch('/account', { current_password: current, password });
    setCurrent('');
    setPassword('');
    toast('The password is changed');
  });
  return (
    <section class="card">
      <header>
        <h2>Password</h2>
      </header>
      <div class="card-body">
        <Form submission={submission} action="Change password" fields={['password', 'current_password']}>
          <input type="text" class="unseen" autocomplete="username" value={session.account.email} readOnly tabIndex={-1} aria-hidden="true" />
          <Field label="Current password" type="password" autocomplete="current-password" value={current} onInput={setCurrent} error={submission.fieldError('current_password')} required />
          <Field label="New password" type="password" autocomplete="new-password" value={password} onInput={setPassword} minlength={10} help="At least 10 characters." error={submission.fieldError('password')} required />
        </Form>
      </div>
    </section>
  );
}

// ---- authenticator app ----

function Totp(): JSX.Element {
  const { session } = useSession();
  const [dialog, setDialog] = useState<'' | 'add' | 'remove'>('');
  const on = session.account.totp;
  return (
    <section class="card">
      <div class="card-body">
        <div class="settle">
          <div>
            <h2>
              Authenticator app <Badge tone={on ? 'good' : 'none'}>{on ? 'on' : 'off'}</Badge>
            </h2>
            <p class="muted">A second step when you sign in: six digits from an app on your phone.</p>
          </div>
          {on ? (
            <Button onClick={() => setDialog('remove')}>Turn off</Button>
          ) : (
            <Button kind="primary" icon="shield" onClick={() => setDialog('add')}>
              Turn on
            </Button>
          )}
        </div>
      </div>
      {dialog === 'add' && <AddTotp onClose={() => setDialog('')} />}
      {dialog === 'remove' && <RemoveTotp onClose={() => setDialog('')} />}
    </section>
  );
}

function AddTotp({ onClose }: { onClose: () => void }): JSX.Element {
  const { refresh } = useSession();
  const [offer, setOffer] = useState<{ secret: string; uri: string; picture: string; size: number }>();
  const [code, setCode] = useState('');
  const [recovery, setRecovery] = useState<string[]>();
  const begin = useSubmit(async () => {
    const answer = await post<{ secret: string; uri: string }>('/account/totp');
    const { qrPath } = await import('../ui/qr');
    setOffer({ ...answer, ...qrPath(answer.uri) });
  });
  const confirm = useSubmit(async () => {
    const answer = await post<{ recovery_codes: string[] }>('/account/totp/confirm', { code: code.replaceAll(/\s/g, '') });
    setRecovery(answer.recovery_codes);
    await refresh();
  });
  useEffect(() => void begin.run(), []);

  if (recovery) {
    return (
      <Dialog title="Keep these recovery codes" onClose={onClose} sticky>
        <Notice tone="warn">Each signs you in once when the phone is gone. They are shown this once.</Notice>
        <ul class="codes">
          {recovery.map((one) => (
            <li key={one}>
              <code>{one}</code>
            </li>
          ))}
        </ul>
        <div class="actions">
          <CopyButton text={recovery.join('\n')} label="recovery codes" />
          <Button kind="primary" onClick={onClose}>
            I have kept them
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Turn on the authenticator app" onClose={onClose}>
      {begin.error && <Problem error={begin.error} retry={() => void begin.run()} />}
      {!offer && !begin.error && <Skeleton lines={5} />}
      {offer && (
        <>
          <div class="side-by-side">
            <svg class="qr" viewBox={`0 0 ${offer.size} ${offer.size}`} role="img" aria-label="QR code for the authenticator app">
              <path d={offer.picture} />
            </svg>
            <div>
              <p>Scan the picture with your app, or type the secret into it:</p>
              <CopyLine text={offer.secret} label="secret" />
            </div>
          </div>
          <Form submission={confirm} action="Turn on" cancel={onClose}>
            <Field label="The six digits that the app shows" value={code} onInput={setCode} inputmode="numeric" autocomplete="one-time-code" mono required />
          </Form>
        </>
      )}
    </Dialog>
  );
}

function RemoveTotp({ onClose }: { onClose: () => void }): JSX.Element {
  const { refresh } = useSession();
  const [password, setPassword] = useState('');
  const submission = useSubmit(async () => {
    await del('/account/totp', { current_password: password });
    await refresh();
    toast('The authenticator app is off');
    onClose();
  });
  return (
    <Dialog title="Turn off the authenticator app" onClose={onClose}>
      <Form submission={submission} action="Turn off" cancel={onClose}>
        <Field label="Current password" type="password" autocomplete="current-password" value={password} onInput={setPassword} required autofocus />
      </Form>
    </Dialog>
  );
}

// ---- where one is signed in ----

// "Firefox on Linux" of a User-Agent header; the whole of it is in the title.
function browserOf(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
    [/curl\//, 'curl'],
  ];
  const systems: [RegExp, string][] = [
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ];
  const find = (list: [RegExp, string][]): string | undefined => list.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find(browsers);
  const system = find(systems);
  if (browser) return system ? `${browser} on ${system}` : browser;
  return agent.slice(0, 60) || 'Unknown program';
}

function Sessions(): JSX.Element {
  const sessions = useResource<{ sessions: LoginSession[] }>('/sessions');
  const [asking, setAsking] = useState(false);
  const list = sessions.data?.sessions;
  const end = async (id: string): Promise<void> => {
    try {
      await del(`/sessions/${seg(id)}`);
      await sessions.reload();
    } catch (error) {
      toast((error as Error).message, 'warn');
    }
  };
  return (
    <section class="card">
      <header>
        <h2>Where you are signed in</h2>
        <Button small disabled={!list || list.length < 2} onClick={() => setAsking(true)}>
          Sign out everywhere else
        </Button>
      </header>
      {sessions.error && <Problem error={sessions.error} retry={() => void sessions.reload()} />}
      {!list && !sessions.error && (
        <div class="card-body">
          <Skeleton lines={2} />
        </div>
      )}
      {list && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Where you are signed in">
          <table>
            <thead>
              <tr>
                <th>With</th>
                <th>From</th>
                <th>Since</th>
                <th>Last used</th>
                <th class="end">
                  <span class="unseen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((one) => (
                <tr key={one.id}>
                  <th title={one.agent}>{browserOf(one.agent)}</th>
                  <td>{one.address}</td>
                  <td class="nowrap">{at(one.created_at)}</td>
                  <td class="nowrap">{ago(one.last_used_at)}</td>
                  <td class="end">
                    {one.current ? (
                      <Badge tone="good">this one</Badge>
                    ) : (
                      <Button small kind="quiet" onClick={() => void end(one.id)}>
                        End it
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asking && (
        <Confirm
          title="Sign out everywhere else?"
          action="Sign out"
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            const { ended } = await post<{ ended: number }>('/sessions/sign-out-everywhere');
            toast(`${ended} ended`);
            await sessions.reload();
          }}
        >
          <p>All other browsers have to sign in again. This one stays. Access tokens are not touched.</p>
        </Confirm>
      )}
    </section>
  );
}

// ---- access tokens ----

const LIVES = [
  { value: '2592000', label: '30 days' },
  { value: '7776000', label: '90 days' },
  { value: '31536000', label: 'one year' },
  { value: '0', label: 'no end' },
];

function Tokens(): JSX.Element {
  const tokens = useResource<{ access_tokens: AccessToken[] }>('/access-tokens');
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<AccessToken>();
  const [removing, setRemoving] = useState<AccessToken>();
  const list = tokens.data?.access_tokens;
  return (
    <section class="card">
      <header>
        <h2>Access tokens</h2>
        <Button small icon="plus" onClick={() => setCreating(true)}>
          New token
        </Button>
        <p>With one a script may do what you may: create projects, rotate keys. Not your password, nor further tokens.</p>
      </header>
      {tokens.error && <Problem error={tokens.error} retry={() => void tokens.reload()} />}
      {list?.length === 0 && (
        <Empty icon="key" title="No tokens">
          <p>
            A script sends one as <code>Authorization: Bearer pat_…</code> to <code>/api/console/</code>.
          </p>
        </Empty>
      )}
      {list && list.length > 0 && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Access tokens">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Created</th>
                <th>Last used</th>
                <th>Ends</th>
                <th class="end">
                  <span class="unseen">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((token) => (
                <tr key={token.id}>
                  <th class="break">{token.name}</th>
                  <td class="nowrap">{onDay(token.created_at)}</td>
                  <td class="nowrap">{token.last_used_at ? ago(token.last_used_at) : 'never'}</td>
                  <td class="nowrap">{token.expires_at ? onDay(token.expires_at) : 'no end'}</td>
                  <td class="end">
                    <Button small kind="quiet" onClick={() => setRemoving(token)}>
                      Revoke
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating && (
        <CreateToken
          onClose={() => setCreating(false)}
          onMade={(token) => {
            setCreating(false);
            setMade(token);
            void tokens.reload();
          }}
        />
      )}
      {made?.token && (
        <Dialog title={`Token “${made.name}”`} onClose={() => setMade(undefined)} wide sticky>
          <Notice tone="warn">Copy it now: it is shown this once.</Notice>
          <CopyLine text={made.token} label="access token" />
          <CodeBlock label="example" text={`curl ${httpUrl()}/api/console/projects \\\n  -H 'Authorization: Bearer ${made.token}'`} />
          <div class="actions">
            <Button kind="primary" onClick={() => setMade(undefined)}>
              I have copied it
            </Button>
          </div>
        </Dialog>
      )}
      {removing && (
        <Confirm
          title={`Revoke “${removing.name}”?`}
          action="Revoke"
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await del(`/access-tokens/${seg(removing.id)}`);
            await tokens.reload();
          }}
        >
          <p>Scripts that use it are refused from now on.</p>
        </Confirm>
      )}
    </section>
  );
}

function CreateToken(props: { onClose: () => void; onMade: (token: AccessToken) => void }): JSX.Element {
  const [name, setName] = useState('');
  const [life, setLife] = useState('7776000');
  const submission = useSubmit(async () =>
    props.onMade(await post<AccessToken>('/access-tokens', { name: name.trim(), ...(life === '0' ? {} : { expires_in_seconds: Number(life) }) })),
  );
  return (
    <Dialog title="New access token" onClose={props.onClose}>
      <Form submission={submission} action="Create" cancel={props.onClose} fields={['name']}>
        <Field label="What is it for?" value={name} onInput={setName} placeholder="deploy script" error={submission.fieldError('name')} required autofocus />
        <Select label="Good for" value={life} options={LIVES} onChange={setLife} />
      </Form>
    </Dialog>
  );
}
