import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { del, patch, post, seg } from '../../api';
import { navigate } from '../../router';
import { useSession } from '../../session';
import { PageHead } from '../../shell';
import { atLeast } from '../../types';
import { Area, Button, CopyLine, Field, Notice } from '../../ui/basic';
import { Confirm } from '../../ui/dialog';
import { Form, useSubmit } from '../../ui/form';
import { toast } from '../../ui/toast';
import { Namespaces } from './namespaces';
import type { ProjectProps } from './project_pages';

export function SettingsPage({ project, reload }: ProjectProps): JSX.Element {
  const may = atLeast(project.role, 'admin');
  return (
    <div class="page">
      <PageHead title="Settings" tab={`Settings · ${project.name}`} />
      {!may && <Notice>You are {project.role} of this project: an admin or its owner changes settings.</Notice>}
      <General project={project} reload={reload} may={may} />
      <Origins project={project} reload={reload} may={may} />
      <Namespaces project={project} may={may && !project.archived_at} />
      {atLeast(project.role, 'owner') && <DangerZone project={project} reload={reload} />}
    </div>
  );
}

function General({ project, reload, may }: ProjectProps & { may: boolean }): JSX.Element {
  const { refresh } = useSession();
  const [name, setName] = useState(project.name);
  const submission = useSubmit(async () => {
    await patch(`/projects/${seg(project.id)}`, { name: name.trim() });
    await Promise.all([reload(), refresh()]);
    toast('Saved');
  });
  return (
    <section class="card">
      <header>
        <h2>Project</h2>
      </header>
      <div class="card-body">
        <CopyLine name="Project id" label="project id" text={project.id} />
        {may && (
          <Form submission={submission} action="Save" fields={['name']} disabled={name.trim() === project.name}>
            <Field label="Name" value={name} onInput={setName} error={submission.fieldError('name')} required />
          </Form>
        )}
      </div>
    </section>
  );
}

function Origins({ project, reload, may }: ProjectProps & { may: boolean }): JSX.Element {
  const before = (project.allowed_origins ?? []).join('\n');
  const [text, setText] = useState(before);
  const submission = useSubmit(async () => {
    const origins = text
      .split(/\s+/)
      .map((line) => line.trim())
      .filter(Boolean);
    await patch(`/projects/${seg(project.id)}`, { allowed_origins: origins });
    await reload();
    toast('Saved: in force at once');
  });
  return (
    <section class="card">
      <header>
        <h2>Allowed origins</h2>
        <p>From which websites browsers may connect to this project. Empty: those of the server's configuration.</p>
      </header>
      <div class="card-body">
        {may ? (
          <Form submission={submission} action="Save" fields={['allowed_origins']} disabled={text === before}>
            <Area
              label="One origin a line"
              value={text}
              onInput={setText}
              rows={4}
              placeholder={'https://shop.example.com\nhttps://*.example.com'}
              help="With scheme, and port where it is not the usual one. A * stands for any part of it."
              error={submission.fieldError('allowed_origins')}
            />
          </Form>
        ) : before ? (
          <pre class="mono">{before}</pre>
        ) : (
          <p class="muted">Those of the server's configuration.</p>
        )}
      </div>
    </section>
  );
}

function DangerZone({ project, reload }: ProjectProps): JSX.Element {
  const { refresh } = useSession();
  const [asking, setAsking] = useState<'' | 'archive' | 'delete'>('');
  const base = `/projects/${seg(project.id)}`;
  const restore = useSubmit(async () => {
    await post(`${base}/restore`);
    await Promise.all([reload(), refresh()]);
    toast('The project is back');
  });
  if (project.default) {
    return (
      <section class="card">
        <div class="card-body">
          <p class="muted">This is the default project of the instance: it can be neither archived nor deleted.</p>
        </div>
      </section>
    );
  }
  return (
    <section class="card danger-zone">
      <header>
        <h2>Danger zone</h2>
      </header>
      <div class="card-body">
        {restore.error && <Notice tone="bad">{restore.error.message}</Notice>}
        <div class="settle">
          <div>
            <h3>{project.archived_at ? 'Restore' : 'Archive'}</h3>
            <p class="muted">
              {project.archived_at
                ? 'Its keys are good again, and clients may connect.'
                : 'Everybody is disconnected and its keys are refused, until somebody restores it.'}
            </p>
          </div>
          {project.archived_at ? (
            <Button busy={restore.busy} onClick={() => void restore.run()}>
              Restore
            </Button>
          ) : (
            <Button icon="archive" onClick={() => setAsking('archive')}>
              Archive
            </Button>
          )}
        </div>
        <div class="settle">
          <div>
            <h3>Delete</h3>
            <p class="muted">The project, its keys, members and settings are gone for good.</p>
          </div>
          <Button kind="danger" icon="trash" onClick={() => setAsking('delete')}>
            Delete
          </Button>
        </div>
      </div>
      {asking === 'archive' && (
        <Confirm
          title={`Archive “${project.name}”?`}
          action="Archive"
          onClose={() => setAsking('')}
          onConfirm={async () => {
            await post(`${base}/archive`);
            await Promise.all([reload(), refresh()]);
          }}
        >
          <p>All its clients are disconnected at once, and every request with its keys is refused.</p>
        </Confirm>
      )}
      {asking === 'delete' && (
        <Confirm
          title={`Delete “${project.name}”?`}
          action="Delete for good"
          typed={project.name}
          onClose={() => setAsking('')}
          onConfirm={async () => {
            await del(base, { confirm: project.name });
            toast(`“${project.name}” is deleted`);
            navigate('/dashboard');
            await refresh();
          }}
        >
          <p>There is no way back.</p>
        </Confirm>
      )}
    </section>
  );
}
