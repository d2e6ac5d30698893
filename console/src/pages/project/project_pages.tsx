// The pages of one project: who has no part in it is told so once for all of them.
import type { JSX } from 'preact';
import { seg, useResource } from '../../api';
import { lazy } from '../../lazy';
import { match, type Place } from '../../router';
import type { Project } from '../../types';
import { LinkButton, Notice, Problem, Skeleton } from '../../ui/basic';
import { NotFound } from '../not_found';
import { AuditList } from '../audit';
import { PageHead } from '../../shell';
import { ChannelPage } from './channel';
import { ChannelsPage } from './channels';
import { ConnectionsPage } from './connections';
import { EventsPage } from './events';
import { KeysPage } from './keys';
import { MembersPage } from './members';
import { OverviewPage } from './overview';

const PlaygroundPage = lazy(() => import('../../playground/playground_page').then((m) => m.PlaygroundPage));
const SettingsPage = lazy(() => import('./settings').then((m) => m.SettingsPage));

export interface ProjectProps {
  project: Project;
  reload: () => Promise<void>;
}

export function ProjectPages({ id, place }: { id: string; place: Place }): JSX.Element {
  const found = useResource<Project>(`/projects/${seg(id)}`);
  if (found.error && !found.data) {
    return (
      <div class="page">
        <PageHead title="No project to show" />
        <Problem error={found.error} retry={() => void found.reload()} />
        <div class="actions start">
          <LinkButton href="/dashboard">To your projects</LinkButton>
        </div>
      </div>
    );
  }
  if (!found.data) {
    return (
      <div class="page">
        <Skeleton lines={6} />
      </div>
    );
  }
  const props = { project: found.data, reload: found.reload };
  const rest = place.path.slice(`/projects/${id}`.length).replace(/\/$/, '');
  return (
    <>
      {found.data.archived_at > 0 && (
        <div class="page archived-note">
          <Notice tone="warn" title="This project is archived">
            Its keys are refused and nobody is connected. Its owner can restore it in the settings.
          </Notice>
        </div>
      )}
      {route(rest, props)}
    </>
  );
}

function route(rest: string, props: ProjectProps): JSX.Element {
  const channel = match('/channels/*', rest);
  if (channel?.[0]) return <ChannelPage key={channel[0]} {...props} name={channel[0]} />;
  switch (rest) {
    case '':
      return <OverviewPage {...props} />;
    case '/keys':
      return <KeysPage {...props} />;
    case '/connections':
      return <ConnectionsPage {...props} />;
    case '/channels':
      return <ChannelsPage {...props} />;
    case '/events':
      return <EventsPage {...props} />;
    case '/playground':
      return <PlaygroundPage {...props} />;
    case '/members':
      return <MembersPage {...props} />;
    case '/settings':
      return <SettingsPage {...props} />;
    case '/audit':
      return (
        <div class="page">
          <PageHead title="Audit log" tab={`Audit log · ${props.project.name}`}>
            Who did what in this project, newest first.
          </PageHead>
          <AuditList path={`/projects/${seg(props.project.id)}/audit`} />
        </div>
      );
    default:
      return <NotFound />;
  }
}
