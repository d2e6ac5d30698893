// The project's own namespaces, in a form made from the schema that also checks the configuration file.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { put, seg, useResource } from '../../api';
import type { OptionSchema, Project } from '../../types';
import { Badge, Button, Check, Empty, Field, Notice, Problem, Select, Skeleton } from '../../ui/basic';
import { brief } from '../../ui/json';
import { useSubmit } from '../../ui/form';
import { toast } from '../../ui/toast';

type Namespace = Record<string, unknown> & { name?: unknown };

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export function Namespaces({ project, may }: { project: Project; may: boolean }): JSX.Element {
  const path = `/projects/${seg(project.id)}/namespaces`;
  const found = useResource<{ namespaces: Namespace[] }>(path);
  const schema = useResource<OptionSchema[] | { options: OptionSchema[] }>('/schema/namespace');
  const [draft, setDraft] = useState<Namespace[]>();
  const list = draft ?? found.data?.namespaces ?? [];
  const options = Array.isArray(schema.data) ? schema.data : (schema.data?.options ?? []);
  const save = useSubmit(async () => {
    await put(path, { namespaces: list });
    await found.reload();
    setDraft(undefined);
    toast('Saved: in force at once');
  });
  const change = (index: number, value: Namespace): void => setDraft(list.map((one, i) => (i === index ? value : one)));
  const failed = found.error ?? schema.error;

  return (
    <section class="card">
      <header>
        <h2>Namespaces</h2>
        {may && found.data && (
          <Button small icon="plus" onClick={() => setDraft([...list, { name: '' }])}>
            Add a namespace
          </Button>
        )}
        <p>
          A channel <code>chat:room_1</code> belongs to the namespace <code>chat</code>, whose options say who may do what there and
          what is kept.
        </p>
      </header>
      {failed && !found.data && <Problem error={failed} retry={() => void found.reload()} />}
      {!found.data && !failed && (
        <div class="card-body">
          <Skeleton />
        </div>
      )}
      {found.data && list.length === 0 && (
        <Empty icon="channel" title="None of its own">
          <p>The namespaces of the server's configuration file are good for this project, too.</p>
        </Empty>
      )}
      {found.data && list.length > 0 && (
        <form
          class="card-body"
          onSubmit={(event) => {
            event.preventDefault();
            void save.run();
          }}
        >
          {list.map((one, index) => (
            <NamespaceForm
              key={index}
              value={one}
              options={options}
              may={may}
              onChange={(value) => change(index, value)}
              onRemove={() => setDraft(list.filter((_, i) => i !== index))}
            />
          ))}
        </form>
      )}
      {(save.error || draft) && (
        <div class="card-body">
          {save.error && <Notice tone="bad">{save.error.message}</Notice>}
          {draft && (
            <div class="actions">
              <Button onClick={() => setDraft(undefined)}>Discard</Button>
              <Button kind="primary" busy={save.busy} onClick={() => void save.run()}>
                Save namespaces
              </Button>
            </div>
          )}
        </div>
      )}
    </section>
  );
}

function NamespaceForm(props: {
  value: Namespace;
  options: OptionSchema[];
  may: boolean;
  onChange: (value: Namespace) => void;
  onRemove: () => void;
}): JSX.Element {
  const { value, options, may } = props;
  const [needle, setNeedle] = useState('');
  const [isNew] = useState(() => Object.keys(value).length <= 1); // its options are open from the start
  const name = typeof value.name === 'string' ? value.name : '';
  const set = (option: OptionSchema, next: unknown): void => {
    const { [option.name]: _, ...others } = value;
    props.onChange(next === undefined || next === option.default ? others : { ...others, [option.name]: next });
  };
  const others = options.filter((option) => option.name !== 'name');
  const changed = others.filter((option) => value[option.name] !== undefined);
  const shown = needle ? others.filter((option) => `${option.name} ${option.help ?? ''}`.toLowerCase().includes(needle.toLowerCase())) : others;
  return (
    <fieldset disabled={!may}>
      <legend>{name || 'new namespace'}</legend>
      <div class="row">
        <Field label="Name" value={name} mono onInput={(next) => props.onChange({ ...value, name: next })} required />
        {may && (
          <Button kind="quiet" icon="trash" onClick={props.onRemove}>
            Remove
          </Button>
        )}
      </div>
      {changed.length > 0 && (
        <p class="help">
          {changed.map((option) => (
            <span key={option.name}>
              <Badge tone="info">
                {option.name}: {brief(value[option.name], 40)}
              </Badge>{' '}
            </span>
          ))}
        </p>
      )}
      <details class="more" open={isNew}>
        <summary>Options ({others.length})</summary>
        <Field label="Find an option" type="search" value={needle} onInput={setNeedle} placeholder="history" />
        <div class="options">
          {shown.map((option) => (
            <Option key={option.name} option={option} value={value[option.name]} onChange={(next) => set(option, next)} />
          ))}
        </div>
      </details>
    </fieldset>
  );
}

function Option(props: { option: OptionSchema; value: unknown; onChange: (value: unknown) => void }): JSX.Element {
  const { option, value, onChange } = props;
  const kind = option.type.toLowerCase();
  const now = value ?? option.default;
  if (kind.startsWith('bool')) {
    return <Check label={<code>{option.name}</code>} help={option.help} checked={now === true} onChange={onChange} />;
  }
  if (Array.isArray(option.allowed) && (Array.isArray(now) || /list|array/.test(kind))) {
    const chosen = Array.isArray(now) ? (now as string[]) : [];
    return (
      <div class="field">
        <strong class="option-name">{option.name}</strong>
        {(option.allowed as string[]).map((one) => (
          <Check
            key={one}
            label={one}
            checked={chosen.includes(one)}
            onChange={(on) => {
              const next = on ? [...chosen, one] : chosen.filter((other) => other !== one);
              onChange(next.length > 0 ? next : undefined);
            }}
          />
        ))}
        {option.help && <p class="help">{option.help}</p>}
      </div>
    );
  }
  if (Array.isArray(option.allowed) && option.allowed.every((one) => typeof one === 'string') && option.allowed.length > 0) {
    return (
      <Select
        label={option.name}
        value={String(now ?? '')}
        help={option.help}
        options={option.allowed.map((one) => ({ value: one as string, label: (one as string) || '(none)' }))}
        onChange={onChange}
      />
    );
  }
  const number = /^(u?int|number|integer|u\d|i\d|size|count)/.test(kind);
  const text = now === undefined || now === null ? '' : typeof now === 'string' || typeof now === 'number' ? String(now) : JSON.stringify(now);
  const allowed = typeof option.allowed === 'string' ? ` Allowed: ${option.allowed}.` : '';
  return (
    <Field
      label={option.name}
      mono
      value={text}
      type={number ? 'number' : 'text'}
      help={`${option.help ?? ''}${allowed}`}
      onInput={(next) => onChange(next === '' ? undefined : number ? Number(next) : isStructured(now, kind) ? parsed(next) : next)}
    />
  );
}

const isStructured = (value: unknown, kind: string): boolean => Array.isArray(value) || isObject(value) || /list|array|object|map/.test(kind);

// JSON once it is whole; until then the text, which the server would refuse with its reason.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
