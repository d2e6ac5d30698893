// Who is signed in, and the projects they take part in. One value for all pages.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { get, post, setCsrf } from './api';
import type { ProjectBrief, Session } from './types';

export interface SessionState {
  session: Session;
  refresh: () => Promise<void>;
  adopt: (session: Session) => void;
  signOut: () => Promise<void>;
}

export const SessionContext = createContext<SessionState | null>(null);

// Inside pages that only people who are signed in see.
export function useSession(): SessionState {
  const state = useContext(SessionContext);
  if (!state) throw new Error('nobody is signed in');
  return state;
}

export function useMaybeSession(): SessionState | null {
  return useContext(SessionContext);
}

export async function fetchSession(): Promise<Session> {
  const session = await get<Session>('/session');
  setCsrf(session.csrf);
  return session;
}

export async function endSession(): Promise<void> {
  await post('/logout');
  setCsrf('');
}

const LAST_PROJECT = 'xshathra.project';

export const rememberProject = (id: string): void => localStorage.setItem(LAST_PROJECT, id);

// The project that the reader looked at last, or their first.
export function chosenProject(session: Session | null): ProjectBrief | undefined {
  if (!session) return undefined;
  const last = localStorage.getItem(LAST_PROJECT);
  const active = session.projects.filter((project) => !project.archived_at);
  return active.find((project) => project.id === last) ?? active[0];
}
