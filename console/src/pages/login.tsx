import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError, post, useResource } from '../api';
import { navigate } from '../router';
import type { Session } from '../types';
import { Field, Notice } from '../ui/basic';
import { Form, useSubmit } from '../ui/form';
import { Door } from './door';

export function LoginPage({ adopt }: { adopt: (session: Session) => void }): JSX.Element {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asksCode, setAsksCode] = useState(false);
  const setup = useResource<{ needed: boolean }>('/setup');

  const submission = useSubmit(async () => {
    try {
      const session = await post<Session>('/login', { email, password, ...(asksCode ? { totp: code.trim() } : {}) });
      adopt(session);
      if (location.pathname === '/login' || location.pathname === '/') navigate('/dashboard', true);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'totp_required') {
        setAsksCode(true);
        return;
      }
      throw error;
    }
  });

  if (setup.data?.needed) {
    return (
      <Door title="This console waits for its owner" lead="Nobody has an account here yet.">
        <p>
          The server showed a set-up link when it started, on its terminal or, without one, in the file{' '}
          <code>first-run.txt</code> of its data folder. The link makes the owner's account and works once.
        </p>
        <Notice>Lost the link? Start the server again: while nobody has an account, each start shows a new one.</Notice>
      </Door>
    );
  }
  return (
    <Door title="Sign in" lead="To your projects, their keys and what happens in them.">
      <Form submission={submission} action={asksCode ? 'Confirm' : 'Sign in'} wide>
        {asksCode ? (
          <Field
            key="code"
            label="Code from your authenticator app"
            value={code}
            onInput={setCode}
            autocomplete="one-time-code"
            help="Six digits, or one of your recovery codes."
            required
            autofocus
            mono
          />
        ) : (
          <>
            <Field label="E-mail" type="email" name="email" autocomplete="username" value={email} onInput={setEmail} required autofocus />
            <Field
              label="Password"
              type="password"
              name="password"
              autocomplete="current-password"
              value={password}
              onInput={setPassword}
              required
            />
          </>
        )}
      </Form>
      <p class="help">No account? An admin of a project invites you with a link.</p>
    </Door>
  );
}
