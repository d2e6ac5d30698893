// The shapes of the console API (/api/console/). Times are Unix seconds; 0 means never or no end.

export type Role = 'viewer' | 'developer' | 'admin' | 'owner';
export const ROLES: Role[] = ['viewer', 'developer', 'admin', 'owner'];

export interface Account {
  id: string;
  email: string;
  name: string;
  totp: boolean;
  instance_owner: boolean;
  created_at: number;
}

export interface ProjectBrief {
  id: string;
  name: string;
  role: Role;
  archived_at: number;
}

export interface Session {
  account: Account;
  csrf: string;
  projects: ProjectBrief[];
  version?: string;
}

export interface Project extends ProjectBrief {
  default: boolean;
  created_at: number;
  allowed_origins: string[] | null;
}

export interface NewKeys {
  server_api_key?: string;
  server_key_id?: string;
  client_api_key?: string;
  client_key_id?: string;
}

export interface NewProject extends NewKeys {
  id: string;
  name: string;
}

export interface Key {
  key_id: string;
  kind: 'server' | 'client';
  name: string;
  state: string;
  scopes?: string[];
  channel_prefix?: string;
  created_at: number;
  valid_until: number;
  revoked_at: number;
  last_used_at?: number;
}

export interface Member {
  id: string;
  email: string;
  name: string;
  role: Role;
  created_at: number;
}

export interface Invite {
  id: string;
  role: Role;
  email: string;
  created_at: number;
  expires_at: number;
  token?: string;
  link?: string;
}

export interface LoginSession {
  id: string;
  created_at: number;
  last_used_at: number;
  address: string;
  agent: string;
  current: boolean;
}

export interface AccessToken {
  id: string;
  name: string;
  created_at: number;
  expires_at: number;
  last_used_at: number;
  token?: string;
}

export interface AuditEntry {
  number: number;
  at: number;
  who: string;
  what: string;
  project: string;
}

// publications, deliveries and errors count from the start of the server on.
export interface Overview {
  at_ms: number;
  connections: number;
  users: number;
  channels: number;
  subscriptions: number;
  publications: number;
  deliveries: number;
  errors: number;
  memory: Record<string, number>; // bytes by part
}

export interface LiveEvent {
  type: string;
  at_ms: number;
  dropped?: number; // so many before this one were left out
  channel?: string;
  user?: string;
  client?: string;
  message?: string;
  reason?: string;
  answer?: { error?: { message?: string } }; // of a refused API call
  [more: string]: unknown;
}

export interface Connection {
  client: string;
  user: string;
  address?: string;
  transport?: string;
  encoding?: string;
  sdk?: string;
  connected_at?: number;
  subscriptions?: number | ConnectionSubscription[];
  claims?: unknown;
}

export interface ConnectionSubscription {
  channel: string;
  [more: string]: unknown;
}

export interface Channel {
  name: string;
  subscribers: number;
  namespace?: string;
}

export interface Publication {
  offset?: number;
  data?: unknown;
  tags?: Record<string, string>;
  info?: { user?: string; client?: string };
  time?: number;
}

export interface LiveToken {
  token: string;
  url: string;
  expires_in_seconds: number;
  channels: { events: string; overview: string };
}

export interface OptionSchema {
  name: string;
  type: string;
  default?: unknown;
  help?: string;
  allowed?: unknown;
}

export const atLeast = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);
