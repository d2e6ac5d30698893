// Are answers what docs/openapi.json says? The part of JSON Schema that it uses.
import { readFileSync } from 'node:fs';

export const document = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'));

const resolve = (schema) => (schema.$ref ? document.components.schemas[schema.$ref.split('/').pop()] : schema);
const typeOf = (value) => (Array.isArray(value) ? 'array' : value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value);

// What is wrong with a value, as sentences.
export function faults(schema, value, at = 'the answer') {
  const s = resolve(schema);
  if (value === null && s.nullable) return [];
  if (s.type && s.type !== typeOf(value)) return [`${at} is ${typeOf(value)}, not ${s.type}`];
  if (s.enum && !s.enum.includes(value)) return [`${at} is ${JSON.stringify(value)}`];
  if (s.type === 'array') return s.items ? value.flatMap((item, i) => faults(s.items, item, `${at}[${i}]`)) : [];
  if (s.type !== 'object') return [];
  const found = (s.required ?? []).filter((name) => !(name in value)).map((name) => `${at} has no ${name}`);
  for (const [name, item] of Object.entries(value)) {
    const known = s.properties?.[name] ?? (typeof s.additionalProperties === 'object' ? s.additionalProperties : undefined);
    if (known) found.push(...faults(known, item, `${at}.${name}`));
    else if (s.additionalProperties === false) found.push(`${at} has ${name}, which nobody knows`);
  }
  return found;
}

// The operation behind a call; undefined: there is none.
export function operation(method, path) {
  const parts = path.split('?')[0].split('/');
  const fits = (pattern) => {
    const wanted = pattern.split('/');
    return wanted.length === parts.length && wanted.every((part, i) => part.startsWith('{') || part === parts[i]);
  };
  const exact = document.paths[path.split('?')[0]];
  const found = exact ?? Object.entries(document.paths).find(([pattern, methods]) => fits(pattern) && methods[method.toLowerCase()])?.[1];
  return found?.[method.toLowerCase()];
}

export function answerFaults(method, path, status, body) {
  const op = operation(method, path);
  if (!op) return [];
  const [expected] = Object.keys(op.responses).filter((code) => code !== 'default');
  if (status < 300 && String(status) !== expected) return [`the status is ${status}, not ${expected}`];
  const response = status < 300 ? op.responses[expected] : op.responses.default;
  return faults(response.content['application/json'].schema, body);
}
