// The frame of the pages for people who are signed in: where one can go, which project, who one is.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Icon, Logo, type IconName } from './icons';
import { navigate, type Place } from './router';
import { chosenProject, rememberProject, useSession } from './session';
import { useTheme, type Theme } from './theme';
import { atLeast, type Role } from './types';
import { Button, Select } from './ui/basic';
import { toast } from './ui/toast';

interface Item {
  path: string;
  label: string;
  icon: IconName;
  role?: Role;
}

const PROJECT_ITEMS: Item[] = [
  { path: '', label: 'Overview', icon: 'overview' },
  { path: '/keys', label: 'Keys', icon: 'key' },
  { path: '/connections', label: 'Connections', icon: 'plug' },
  { path: '/channels', label: 'Channels', icon: 'channel' },
  { path: '/events', label: 'Event stream', icon: 'stream' },
  { path: '/playground', label: 'Playground', icon: 'play' },
  { path: '/members', label: 'Members', icon: 'people' },
  { path: '/settings', label: 'Settings', icon: 'settings' },
  { path: '/audit', label: 'Audit log', icon: 'audit', role: 'admin' },
];

export function ThemeButton(): JSX.Element {
  const [theme, next] = useTheme();
  const icons: Record<Theme, IconName> = { system: 'screen', light: 'sun', dark: 'moon' };
  const words: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };
  return <Button kind="quiet" icon={icons[theme]} label={`Appearance: ${words[theme]}. Change it`} onClick={next} />;
}

export function Brand({ href = '/dashboard' }: { href?: string }): JSX.Element {
  return (
    <a class="brand" href={href}>
      <Logo />
      <span>
        Xshathra
        <small>Realtime</small>
      </span>
    </a>
  );
}

function Link(props: { href: string; icon: IconName; current: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <a href={props.href} aria-current={props.current ? 'page' : undefined}>
      <Icon name={props.icon} />
      {props.children}
    </a>
  );
}

export function Shell(props: { place: Place; project?: string; children: ComponentChildren }): JSX.Element {
  const { session, signOut } = useSession();
  const { path } = props.place;
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    if (props.project) rememberProject(props.project);
  }, [props.project]);

  const project = session.projects.find((one) => one.id === props.project) ?? (props.project ? undefined : chosenProject(session));
  const base = project ? `/projects/${project.id}` : '';
  const rest = props.project ? path.slice(`/projects/${props.project}`.length).replace(/\/$/, '') : null;
  const items = PROJECT_ITEMS.filter((item) => !item.role || (project && atLeast(project.role, item.role)));
  const switchable = session.projects.filter((one) => !one.archived_at || one.id === props.project);

  return (
    <>
      <a class="skip" href="#content">
        Skip to the page
      </a>
      <div class="shell">
        <div class={`side${open ? ' open' : ''}`}>
          <div class="side-top">
            <Brand />
            <button type="button" class="button quiet menu" aria-expanded={open} onClick={() => setOpen(!open)}>
              <Icon name={open ? 'close' : 'menu'} />
              <span>Menu</span>
            </button>
          </div>
          <nav class="nav" aria-label="Console">
            <Link href="/dashboard" icon="home" current={path === '/dashboard'}>
              Projects
            </Link>
            {session.account.instance_owner && (
              <Link href="/audit" icon="shield" current={path === '/audit'}>
                Audit of all
              </Link>
            )}
            <Link href="/docs" icon="docs" current={false}>
              Docs
            </Link>
          </nav>
          {project && (
            <>
              <div class="switcher">
                <Select
                  label="Project"
                  value={project.id}
                  options={switchable.map((one) => ({ value: one.id, label: one.archived_at ? `${one.name} (archived)` : one.name }))}
                  onChange={(id) => navigate(`/projects/${id}${rest?.split('/').slice(0, 2).join('/') ?? ''}`)}
                />
              </div>
              <nav class="nav" aria-label="Project">
                {items.map((item) => (
                  <Link
                    key={item.path}
                    href={base + item.path}
                    icon={item.icon}
                    current={rest !== null && (item.path === '' ? rest === '' : rest.startsWith(item.path))}
                  >
                    {item.label}
                  </Link>
                ))}
              </nav>
            </>
          )}
          <div class="side-foot">
            <nav class="nav" aria-label="You">
              <Link href="/account" icon="user" current={path === '/account'}>
                {session.account.name || session.account.email}
              </Link>
            </nav>
            <div class="line">
              <ThemeButton />
              <Button
                kind="quiet"
                icon="out"
                onClick={() => void signOut().catch((error: Error) => toast(error.message, 'warn'))}
              >
                Sign out
              </Button>
            </div>
          </div>
        </div>
        <main id="content" tabIndex={-1}>
          {props.children}
        </main>
      </div>
    </>
  );
}

// The head of a page: takes the focus when the page changes, and names the tab.
export function PageHead(props: {
  title: string;
  tab?: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
  crumb?: { href: string; label: string };
}): JSX.Element {
  useEffect(() => {
    document.title = `${props.tab ?? props.title} · Xshathra`;
  }, [props.tab, props.title]);
  return (
    <div class="page-head">
      <div>
        {props.crumb && (
          <a class="crumb" href={props.crumb.href}>
            ← {props.crumb.label}
          </a>
        )}
        <h1>{props.title}</h1>
        {props.children && <p>{props.children}</p>}
      </div>
      {props.actions && <div class="actions">{props.actions}</div>}
    </div>
  );
}
