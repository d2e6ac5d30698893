import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { post, useResource } from '../api';
import { onDay } from '../format';
import { navigate } from '../router';
import { useSession } from '../session';
import { PageHead } from '../shell';
import type { NewProject, Project } from '../types';
import { Badge, Button, Empty, Field, LinkButton, Problem, Skeleton } from '../ui/basic';
import { Dialog } from '../ui/dialog';
import { Form, useSubmit } from '../ui/form';
import { NewKeysDialog } from './new_keys';

export function Dashboard(): JSX.Element {
  const { refresh } = useSession();
  const projects = useResource<{ projects: Project[] }>('/projects');
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<NewProject>();
  const all = projects.data?.projects;
  const active = all?.filter((project) => !project.archived_at) ?? [];
  const archived = all?.filter((project) => project.archived_at) ?? [];

  const finish = (): void => {
    const id = made?.id;
    setMade(undefined);
    if (id) navigate(`/projects/${id}`);
  };

  return (
    <div class="page">
      <PageHead
        title="Projects"
        actions={
          <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
            New project
          </Button>
        }
      >
        Each has its own keys and its own universe of channels and users.
      </PageHead>
      {projects.error && !all && <Problem error={projects.error} retry={() => void projects.reload()} />}
      {!all && !projects.error && <Skeleton lines={5} />}
      {all && active.length === 0 && (
        <div class="card">
          <Empty icon="plus" title="Make your first project">
            <p>You get two keys: one for your backend, one for pages and apps. A minute later two browsers can talk.</p>
            <Button kind="primary" onClick={() => setCreating(true)}>
              New project
            </Button>
          </Empty>
        </div>
      )}
      {active.length > 0 && <Tiles projects={active} />}
      {archived.length > 0 && (
        <section class="page">
          <h2>Archived</h2>
          <Tiles projects={archived} />
        </section>
      )}
      {all && all.length > 0 && all.length < 3 && (
        <div class="card">
          <div class="card-body">
            <div class="settle">
              <div>
                <h2>New here?</h2>
                <p class="muted">From keys to a message between two browsers, in five minutes.</p>
              </div>
              <div class="actions">
                {active[0] && (
                  <LinkButton href={`/projects/${active[0].id}/playground`} icon="play">
                    Try it in the playground
                  </LinkButton>
                )}
                <LinkButton href="/docs" icon="docs">
                  Read the guide
                </LinkButton>
              </div>
            </div>
          </div>
        </div>
      )}
      {creating && (
        <CreateProject
          onClose={() => setCreating(false)}
          onMade={(project) => {
            setCreating(false);
            setMade(project);
            void projects.reload();
            void refresh();
          }}
        />
      )}
      {made && (
        <NewKeysDialog
          title={`“${made.name}” is ready`}
          keys={made}
          projectId={made.id}
          note="Next: open its playground, or paste the lines into your application."
          onClose={finish}
        />
      )}
    </div>
  );
}

function Tiles({ projects }: { projects: Project[] }): JSX.Element {
  return (
    <ul class="tiles">
      {projects.map((project) => (
        <li key={project.id}>
          <a class="card tile" href={`/projects/${project.id}`}>
            <h2>{project.name}</h2>
            <code class="muted break">{project.id}</code>
            <span class="badges">
              <Badge tone="info">{project.role}</Badge>
              {project.default && <Badge>default</Badge>}
              {project.archived_at > 0 && <Badge tone="warn">archived</Badge>}
            </span>
            <span class="help">Since {onDay(project.created_at)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function CreateProject(props: { onClose: () => void; onMade: (project: NewProject) => void }): JSX.Element {
  const [name, setName] = useState('');
  const submission = useSubmit(async () => props.onMade(await post<NewProject>('/projects', { name: name.trim() })));
  return (
    <Dialog title="New project" onClose={props.onClose}>
      <Form submission={submission} action="Create" cancel={props.onClose} fields={['name']}>
        <Field
          label="Name"
          value={name}
          onInput={setName}
          placeholder="Shop, staging"
          help="One for each application and stage is a good rule. It can be changed later."
          error={submission.fieldError('name')}
          required
          autofocus
        />
      </Form>
    </Dialog>
  );
}
