// Which page is shown where. Pages of people who are signed in wait for the session; the others do not.
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { asApiError, setCsrf, whenSignedOut, type ApiError } from './api';
import { lazy } from './lazy';
import { match, navigate, usePlace, type Place } from './router';
import { endSession, fetchSession, SessionContext, type SessionState } from './session';
import { Shell } from './shell';
import type { Session } from './types';
import { Problem } from './ui/basic';
import { Toasts } from './ui/toast';
import { Dashboard } from './pages/dashboard';
import { InvitePage, SetupPage } from './pages/join';
import { LoginPage } from './pages/login';
import { NotFound } from './pages/not_found';

const AccountPage = lazy(() => import('./pages/account').then((m) => m.AccountPage));
const InstanceAudit = lazy(() => import('./pages/audit').then((m) => m.InstanceAudit));
const DocsPage = lazy(() => import('./docs/docs_page').then((m) => m.DocsPage));
const ProjectPages = lazy(() => import('./pages/project/project_pages').then((m) => m.ProjectPages));

type State = { session: Session | null; known: boolean; error?: ApiError };

export function App(): JSX.Element {
  const place = usePlace();
  const [state, setState] = useState<State>({ session: null, known: false });

  const refresh = useCallback(async () => {
    try {
      setState({ session: await fetchSession(), known: true });
    } catch (problem) {
      const error = asApiError(problem);
      setState((old) => ({ session: error.status === 401 ? null : old.session, known: true, error: error.status === 401 ? undefined : error }));
    }
  }, []);

  useEffect(() => {
    whenSignedOut(() => setState({ session: null, known: true }));
    void refresh();
  }, [refresh]);

  const adopt = useCallback((session: Session) => {
    setCsrf(session.csrf);
    setState({ session, known: true });
  }, []);
  const signOut = useCallback(async () => {
    await endSession();
    setState({ session: null, known: true });
    navigate('/login');
  }, []);
  const value = useMemo<SessionState | null>(
    () => (state.session ? { session: state.session, refresh, adopt, signOut } : null),
    [state.session, refresh, adopt, signOut],
  );

  return (
    <SessionContext.Provider value={value}>
      <Pages place={place} state={state} adopt={adopt} retry={refresh} />
      <Toasts />
    </SessionContext.Provider>
  );
}

function Pages(props: {
  place: Place;
  state: State;
  adopt: (session: Session) => void;
  retry: () => Promise<void>;
}): JSX.Element {
  const { place, state, adopt, retry } = props;
  const { path } = place;
  const signedIn = state.session !== null;
  const atDoor = path === '/' || path === '/login';
  const docs = match('/docs/**', path) ?? (path === '/docs' ? [''] : null);

  // Where "/" and "/login" lead, once it is known who is there.
  const next = new URLSearchParams(place.search).get('next');
  useEffect(() => {
    if (state.known && signedIn && atDoor) navigate(next?.startsWith('/') && !next.startsWith('//') ? next : '/dashboard', true);
  }, [state.known, signedIn, atDoor]);

  if (path === '/setup') return <SetupPage token={place.hash.slice(1)} adopt={adopt} />;
  if (path === '/invite') return <InvitePage token={place.hash.slice(1)} adopt={adopt} known={state.known} />;
  if (docs) return <DocsPage page={docs[0] ?? ''} hash={place.hash} known={state.known} />;
  if (!state.known) return <div class="door" aria-busy="true" />;
  if (state.error && !signedIn)
    return (
      <div class="door">
        <header />
        <main>
          <Problem error={state.error} retry={() => void retry()} />
        </main>
      </div>
    );
  if (!signedIn) return <LoginPage adopt={adopt} />;
  if (atDoor) return <div class="door" aria-busy="true" />;
  const project = match('/projects/*/**', path) ?? match('/projects/*', path);
  if (project?.[0]) {
    return (
      <Shell place={place} project={project[0]}>
        <ProjectPages key={project[0]} id={project[0]} place={place} />
      </Shell>
    );
  }
  return (
    <Shell place={place}>
      {path === '/dashboard' ? <Dashboard /> : path === '/account' ? <AccountPage /> : path === '/audit' ? <InstanceAudit /> : <NotFound />}
    </Shell>
  );
}
