// The reference of the HTTP APIs, from the OpenAPI document that the server answers with.
import type { JSX } from 'preact';
import { useResource } from '../api';
import { Badge, Problem, Skeleton, type Tone } from '../ui/basic';
import { anchorOf } from './library';

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; description?: string; required?: boolean; schema?: Schema }[];
  requestBody?: Content;
  responses?: Record<string, Content & { description?: string }>;
}
interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const TONES: Record<string, Tone> = { get: 'good', post: 'info', put: 'info', patch: 'warn', delete: 'bad' };

function resolve(doc: Document, schema: Schema | undefined): Schema {
  const name = schema?.$ref?.split('/').pop();
  return (name ? doc.components?.schemas?.[name] : schema) ?? {};
}

function typeOf(doc: Document, schema: Schema): string {
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' or ');
  if (schema.$ref) return schema.$ref.split('/').pop() ?? '';
  if (schema.items) return `list of ${typeOf(doc, schema.items)}`;
  return Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'anything');
}

function Fields(props: { doc: Document; schema: Schema; label: string }): JSX.Element | null {
  const shape = resolve(props.doc, props.schema);
  const fields = Object.entries(shape.properties ?? {});
  if (fields.length === 0) return null;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <thead>
          <tr>
            <th>{props.label}</th>
            <th>Type</th>
            <th>About</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(([name, field]) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
                {shape.required?.includes(name) && <span class="help"> required</span>}
              </td>
              <td>{typeOf(props.doc, field)}</td>
              <td>{field.description ?? resolve(props.doc, field).description ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Endpoint(props: { doc: Document; path: string; method: string; operation: Operation }): JSX.Element {
  const { doc, path, method, operation } = props;
  const body = operation.requestBody?.content?.['application/json']?.schema;
  const good = Object.entries(operation.responses ?? {}).find(([status]) => status.startsWith('2'));
  const answer = good?.[1].content?.['application/json']?.schema;
  const query = (operation.parameters ?? []).filter((one) => one.in === 'query');
  return (
    <section class="endpoint">
      <h3 id={anchorOf(`${method} ${path}`)}>
        <Badge tone={TONES[method]}>{method.toUpperCase()}</Badge> <code>{path}</code>
      </h3>
      <p>{[operation.summary, operation.description].filter(Boolean).join('. ')}</p>
      {query.length > 0 && (
        <Fields
          doc={doc}
          label="Query"
          schema={{ properties: Object.fromEntries(query.map((one) => [one.name, { ...one.schema, description: one.description }])) }}
        />
      )}
      {body && <Fields doc={doc} schema={body} label="Field" />}
      {answer && <Fields doc={doc} schema={answer} label={`Answer ${good?.[0] ?? ''}`} />}
    </section>
  );
}

export function ApiReference(): JSX.Element {
  const found = useResource<Document>('/openapi.json');
  const doc = found.data;
  if (found.error) return <Problem error={found.error} retry={() => void found.reload()} />;
  if (!doc) return <Skeleton lines={12} />;
  const all = Object.entries(doc.paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => operations[method]).map((method) => ({ path, method, operation: operations[method] as Operation })),
  );
  const tags = doc.tags ?? [...new Set(all.map((one) => one.operation.tags?.[0] ?? ''))].map((name) => ({ name, description: '' }));
  return (
    <article class="prose">
      <h1 tabIndex={-1}>API reference</h1>
      <p>
        Made from the <a href="/api/console/openapi.json">OpenAPI document</a> that this server answers with.
      </p>
      {tags.map((tag) => (
        <>
          <h2 id={anchorOf(tag.name)}>{tag.name}</h2>
          {tag.description && <p>{tag.description}</p>}
          {all
            .filter((one) => one.operation.tags?.[0] === tag.name)
            .map((one) => (
              <Endpoint key={one.method + one.path} doc={doc} {...one} />
            ))}
        </>
      ))}
    </article>
  );
}
