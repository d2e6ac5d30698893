import type { JSX } from 'preact';
import { LinkButton, Empty } from '../ui/basic';
import { PageHead } from '../shell';

export function NotFound(): JSX.Element {
  return (
    <div class="page">
      <PageHead title="There is no such page" />
      <div class="card">
        <Empty icon="search" title="The address leads nowhere">
          <p>It may have been typed by hand, or belong to a project that is gone.</p>
          <LinkButton href="/dashboard">To your projects</LinkButton>
        </Empty>
      </div>
    </div>
  );
}
