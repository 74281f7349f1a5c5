import { type ReactNode, useMemo, useState } from 'react'
import type { FieldProblem } from '../api/problem.ts'
import type { Messages } from '../language/en/messages.ts'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, Select } from '../parts/field.tsx'
import { UnfinishedJson } from './exact-json.ts'
import { formOf } from './form-field.ts'
import { type FormProblem, pathText, problemsOf } from './form-value.ts'
import { JsonEditor } from './json-editor.tsx'
import styles from './schema-form.module.css'
import { SchemaForm } from './schema-form.tsx'

/** A schema of the payload, and the services that declare it. */
export interface PayloadSchema {
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly services: readonly string[]
}

export interface PayloadEditorProps {
  /** More than one: instances differ, and the reader chooses. */
  readonly schemas: readonly PayloadSchema[]
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  /** What the gateway has found. */
  readonly found?: readonly FieldProblem[]
  /** Whether what is wrong is shown where nothing was typed yet. */
  readonly isChecked: boolean
  /** The name of the field in requests. */
  readonly path?: string
}

/** A payload as a form, where its handler declares a schema, or as JSON: two views of one value. */
export function PayloadEditor({ schemas, value, onChange, found = [], isChecked, path = 'payload' }: PayloadEditorProps): ReactNode {
  const messages = useMessages()
  const { forms } = messages
  const [place, setPlace] = useState(0)
  const [view, setView] = useState<'form' | 'json'>('form')
  const schema = schemas[place] ?? schemas[0]
  const field = useMemo(() => (schema === undefined ? undefined : formOf(schema.inputSchema)), [schema])
  const isForm = field !== undefined && field.kind !== 'json' && view === 'form' && !(value instanceof UnfinishedJson)
  const problems = new Map(found.map(({ field: at, detail, hint }) => [at, `${detail}. ${hint}`]))
  if (field !== undefined && isChecked)
    for (const problem of problemsOf(field, value)) problems.set(pathText(path, problem.path), problemText(problem, messages))
  const own = problems.get(path)
  return (
    <div className={styles['payload']}>
      {field !== undefined && field.kind !== 'json' && (
        <fieldset className={styles['views']} aria-label={forms.view}>
          {(['form', 'json'] as const).map((one) => (
            <Button key={one} size="small" look={view === one ? 'plain' : 'quiet'} aria-pressed={view === one} onClick={() => setView(one)}>
              {forms.views[one]}
            </Button>
          ))}
        </fieldset>
      )}
      {schemas.length > 1 && (
        <Field label={forms.schema} hint={forms.schemasDiffer}>
          <Select
            value={String(place)}
            options={schemas.map(({ services }, i) => ({ value: String(i), label: services.join(', ') }))}
            onChange={(event) => setPlace(Number(event.currentTarget.value))}
          />
        </Field>
      )}
      {isForm ? (
        <SchemaForm field={field} value={value} onChange={onChange} problems={problems} path={path} label={forms.payload} isRequired />
      ) : (
        <JsonEditor
          label={forms.payload}
          hint={forms.jsonHint}
          rows={10}
          value={value}
          onChange={onChange}
          {...(own === undefined ? {} : { problem: own })}
        />
      )}
    </div>
  )
}

/** What is wrong with a value, in words. */
export function problemText({ kind, limit = 0 }: FormProblem, { forms }: Pick<Messages, 'forms'>): string {
  const text = forms.problems[kind]
  return typeof text === 'function' ? text(limit) : text
}
