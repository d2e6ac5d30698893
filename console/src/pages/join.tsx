// The pages behind one-time links: the set-up of a new instance, and invites.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { post, seg, useResource } from '../api';
import { navigate } from '../router';
import { useMaybeSession } from '../session';
import type { Role, Session } from '../types';
import { Button, Field, LinkButton, Notice, Problem, Skeleton } from '../ui/basic';
import { Form, useSubmit } from '../ui/form';
import { Door } from './door';

interface Person {
  email: string;
  name: string;
  password: string;
}

function AccountForm(props: {
  action: string;
  email?: string;
  send: (person: Person) => Promise<Session>;
  done: (session: Session) => void;
}): JSX.Element {
  const [person, setPerson] = useState<Person>({ email: props.email ?? '', name: '', password: '' });
  const change = (part: Partial<Person>): void => setPerson((old) => ({ ...old, ...part }));
  const submission = useSubmit(async () => props.done(await props.send(person)));
  return (
    <Form submission={submission} action={props.action} fields={['email', 'name', 'password']} wide>
      <Field label="Your name" name="name" autocomplete="name" value={person.name} onInput={(name) => change({ name })} error={submission.fieldError('name')} required autofocus />
      <Field
        label="E-mail"
        type="email"
        name="email"
        autocomplete="username"
        value={person.email}
        onInput={(email) => change({ email })}
        error={submission.fieldError('email')}
        help="You sign in with it. Nothing is ever sent to it."
        required
      />
      <Field
        label="Password"
        type="password"
        name="new-password"
        autocomplete="new-password"
        value={person.password}
        onInput={(password) => change({ password })}
        error={submission.fieldError('password')}
        help="At least 10 characters: a few words are better than one with signs."
        minlength={10}
        required
      />
    </Form>
  );
}

export function SetupPage(props: { token: string; adopt: (session: Session) => void }): JSX.Element {
  const setup = useResource<{ needed: boolean }>('/setup');
  if (setup.error) {
    return (
      <Door title="Set up">
        <Problem error={setup.error} retry={() => void setup.reload()} />
      </Door>
    );
  }
  if (setup.data && !setup.data.needed) {
    return (
      <Door title="All is set up" lead="This instance has its owner, so the link is used up.">
        <LinkButton href="/login" kind="primary">
          Sign in
        </LinkButton>
      </Door>
    );
  }
  if (!props.token) {
    return (
      <Door title="The link is not whole">
        <p>
          It looks like <code>/setup#inv_…</code>, and the part after # is missing. Copy all of it from the terminal, or
          from <code>first-run.txt</code> in the server's data folder.
        </p>
      </Door>
    );
  }
  return (
    <Door title="Make this instance yours" lead="The first account owns the instance: all projects and all people.">
      {setup.data ? (
        <AccountForm
          action="Create the owner's account"
          send={(person) => post<Session>('/setup', { token: props.token, ...person })}
          done={(session) => {
            props.adopt(session);
            navigate('/dashboard', true);
          }}
        />
      ) : (
        <Skeleton />
      )}
    </Door>
  );
}

interface InviteShown {
  project: { id: string; name: string } | null;
  role: Role;
  email?: string;
}

export function InvitePage(props: { token: string; adopt: (session: Session) => void; known: boolean }): JSX.Element {
  const state = useMaybeSession();
  const invite = useResource<InviteShown>(props.token ? `/invites/${seg(props.token)}` : null);
  const accept = async (body: object): Promise<Session> => post<Session>(`/invites/${seg(props.token)}/accept`, body);
  const done = (session: Session): void => {
    props.adopt(session);
    navigate(invite.data?.project ? `/projects/${invite.data.project.id}` : '/dashboard', true);
  };
  const submission = useSubmit(async () => done(await accept({})));

  if (!props.token) {
    return (
      <Door title="The link is not whole">
        <p>The part after # is missing. Copy all of it from the message you got.</p>
      </Door>
    );
  }
  if (invite.error) {
    return (
      <Door title="This invite is not good any more" lead="It was used, taken back, or its time is over.">
        <Notice tone="warn">{invite.error.message}</Notice>
        <p>Ask who invited you for a new link.</p>
      </Door>
    );
  }
  if (!invite.data || !props.known) {
    return (
      <Door title="You are invited">
        <Skeleton />
      </Door>
    );
  }
  const { project, role, email } = invite.data;
  const lead = project ? (
    <>
      You become <strong>{role}</strong> of the project <strong>{project.name}</strong>.
    </>
  ) : (
    <>You become {role} of this instance.</>
  );
  if (state) {
    return (
      <Door title="You are invited" lead={lead}>
        <p>
          You are signed in as <strong>{state.session.account.email}</strong>.
        </p>
        {submission.error && <Notice tone="bad">{submission.error.message}</Notice>}
        <div class="actions wide">
          <Button kind="primary" busy={submission.busy} onClick={() => void submission.run()}>
            Take part
          </Button>
        </div>
      </Door>
    );
  }
  return (
    <Door title="You are invited" lead={lead}>
      <AccountForm action="Create your account" email={email} send={accept} done={done} />
      <p class="help">
        Have an account already? <a href={`/login?next=${seg(`/invite#${props.token}`)}`}>Sign in</a>, and open the link again.
      </p>
    </Door>
  );
}
