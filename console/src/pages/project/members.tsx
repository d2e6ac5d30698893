import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { del, patch, post, seg, useResource } from '../../api';
import { ago, onDay } from '../../format';
import { navigate } from '../../router';
import { useSession } from '../../session';
import { PageHead } from '../../shell';
import { atLeast, ROLES, type Invite, type Member, type Role } from '../../types';
import { Badge, Button, CopyLine, Empty, Field, Notice, Problem, Select, Skeleton } from '../../ui/basic';
import { Confirm, Dialog } from '../../ui/dialog';
import { Form, useSubmit } from '../../ui/form';
import { toast } from '../../ui/toast';
import type { ProjectProps } from './project_pages';

const MAY: Record<Role, string> = {
  viewer: 'sees everything, changes nothing',
  developer: 'publishes, disconnects, uses the playground',
  admin: 'also keys, settings, members',
  owner: 'also archives and deletes the project',
};

export function MembersPage({ project }: ProjectProps): JSX.Element {
  const { session, refresh } = useSession();
  const base = `/projects/${seg(project.id)}`;
  const may = atLeast(project.role, 'admin');
  const members = useResource<{ members: Member[] }>(`${base}/members`);
  const invites = useResource<{ invites: Invite[] }>(may ? `${base}/invites` : null);
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member>();
  const list = members.data?.members;
  const open = invites.data?.invites ?? [];
  const mine = session.account.id;
  const roles = ROLES.filter((role) => atLeast(project.role, role));

  const setRole = async (member: Member, role: Role): Promise<void> => {
    try {
      await patch(`${base}/members/${seg(member.id)}`, { role });
      toast(`${member.name || member.email} is ${role} now`);
    } catch (error) {
      toast((error as Error).message, 'warn');
    }
    await members.reload();
  };
  const withdraw = async (invite: Invite): Promise<void> => {
    try {
      await del(`${base}/invites/${seg(invite.id)}`);
      toast('The link does not work any more');
    } catch (error) {
      toast((error as Error).message, 'warn');
    }
    await invites.reload();
  };

  return (
    <div class="page">
      <PageHead
        title="Members"
        tab={`Members · ${project.name}`}
        actions={
          may && (
            <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
              Invite
            </Button>
          )
        }
      >
        Who takes part in this project, and what they may do.
      </PageHead>
      {members.error && <Problem error={members.error} retry={() => void members.reload()} />}
      <section class="card">
        {!list && !members.error && (
          <div class="card-body">
            <Skeleton lines={3} />
          </div>
        )}
        {list?.length === 0 && (
          <Empty icon="people" title="No members yet">
            <p>Owners of the instance see every project, members or not.</p>
          </Empty>
        )}
        {list && list.length > 0 && (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Members">
            <table>
              <thead>
                <tr>
                  <th>Who</th>
                  <th>Role</th>
                  <th>Since</th>
                  {may && (
                    <th class="end">
                      <span class="unseen">Actions</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {list.map((member) => {
                  const changeable = may && member.id !== mine && atLeast(project.role, member.role);
                  return (
                    <tr key={member.id}>
                      <th>
                        <div class="break">
                          {member.name} {member.id === mine && <Badge>you</Badge>}
                        </div>
                        <div class="muted break">{member.email}</div>
                      </th>
                      <td>
                        {changeable ? (
                          <Select
                            label={`Role of ${member.email}`}
                            hideLabel
                            value={member.role}
                            options={roles.map((role) => ({ value: role, label: role }))}
                            onChange={(role) => void setRole(member, role)}
                          />
                        ) : (
                          <Badge tone="info">{member.role}</Badge>
                        )}
                      </td>
                      <td class="nowrap">{onDay(member.created_at)}</td>
                      {may && (
                        <td class="end">
                          {(changeable || member.id === mine) && (
                            <Button small kind="quiet" onClick={() => setRemoving(member)}>
                              {member.id === mine ? 'Leave' : 'Remove'}
                            </Button>
                          )}
                        </td>
                      )}
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {may && (
        <section class="card">
          <header>
            <h2>Open invites</h2>
          </header>
          {open.length === 0 ? (
            <Empty icon="people" title="No open invites">
              <p>An invite is a link that you hand over yourself. It works once.</p>
            </Empty>
          ) : (
            <div class="table-wrap" tabIndex={0} role="region" aria-label="Open invites">
              <table>
                <thead>
                  <tr>
                    <th>For</th>
                    <th>Role</th>
                    <th>Ends</th>
                    <th class="end">
                      <span class="unseen">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {open.map((invite) => (
                    <tr key={invite.id}>
                      <th class="break">{invite.email || 'whoever has the link'}</th>
                      <td>
                        <Badge tone="info">{invite.role}</Badge>
                      </td>
                      <td class="nowrap">{ago(invite.expires_at)}</td>
                      <td class="end">
                        <Button small kind="quiet" onClick={() => void withdraw(invite)}>
                          Take back
                        </Button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
      )}
      <section class="card">
        <header>
          <h2>What the roles may do</h2>
        </header>
        <div class="card-body">
          <dl class="facts">
            {ROLES.map((role) => (
              <>
                <dt>{role}</dt>
                <dd>{MAY[role]}</dd>
              </>
            ))}
          </dl>
        </div>
      </section>
      {inviting && <InviteDialog base={base} roles={roles} onClose={() => setInviting(false)} onMade={() => void invites.reload()} />}
      {removing && (
        <Confirm
          title={removing.id === mine ? 'Leave this project?' : `Remove ${removing.name || removing.email}?`}
          action={removing.id === mine ? 'Leave' : 'Remove'}
          onClose={() => setRemoving(undefined)}
          onConfirm={async () => {
            await del(`${base}/members/${seg(removing.id)}`);
            await refresh();
            if (removing.id === mine && !session.account.instance_owner) navigate('/dashboard');
            else await members.reload();
          }}
        >
          <p>The account itself stays. A new invite brings them back.</p>
        </Confirm>
      )}
    </div>
  );
}

const LIVES = [
  { value: '86400', label: 'one day' },
  { value: '259200', label: 'three days' },
  { value: '604800', label: 'one week' },
];

function InviteDialog(props: { base: string; roles: Role[]; onClose: () => void; onMade: () => void }): JSX.Element {
  const [role, setRole] = useState<Role>(props.roles.includes('developer') ? 'developer' : 'viewer');
  const [email, setEmail] = useState('');
  const [life, setLife] = useState('259200');
  const [made, setMade] = useState<Invite>();
  const submission = useSubmit(async () => {
    const invite = await post<Invite>(`${props.base}/invites`, {
      role,
      expires_in_seconds: Number(life),
      ...(email.trim() ? { email: email.trim() } : {}),
    });
    setMade(invite);
    props.onMade();
  });
  if (made) {
    const link = made.link ?? `${location.origin}/invite#${made.token ?? ''}`;
    return (
      <Dialog title="The invite is ready" onClose={props.onClose} sticky>
        <Notice tone="warn">Hand this link over yourself: it is shown this once, and works once.</Notice>
        <CopyLine text={link} label="invite link" />
        <div class="actions">
          <Button kind="primary" onClick={props.onClose}>
            I have copied it
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Invite somebody" onClose={props.onClose}>
      <Form submission={submission} action="Make the link" cancel={props.onClose} fields={['email']}>
        <Select label="Role" value={role} options={props.roles.map((one) => ({ value: one, label: `${one}: ${MAY[one]}` }))} onChange={setRole} />
        <Field
          label="E-mail (optional)"
          type="email"
          value={email}
          onInput={setEmail}
          help="Then only an account with this address can take the invite."
          error={submission.fieldError('email')}
        />
        <Select label="Good for" value={life} options={LIVES} onChange={setLife} />
      </Form>
    </Dialog>
  );
}
